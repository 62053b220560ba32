import Testing

/// One rule over the text of a file, with texts that show what it finds.
struct TidyRule: Sendable, CustomTestStringConvertible {
    /// The rule as a sentence.
    let title: String
    /// Which files it is for.
    let covers: @Sendable (SourceFile) -> Bool
    /// The lines that break it, counted from 1.
    let broken: @Sendable (SourceFile) -> [Int]
    /// Texts that break it, one line each.
    let breaking: [String]
    /// Texts that look like breaking it and keep it.
    let keeping: [String]

    var testDescription: String { title }

    init(
        _ title: String, for covers: @escaping @Sendable (SourceFile) -> Bool = { _ in true }, breaking: [String],
        keeping: [String] = [], _ broken: @escaping @Sendable (SourceFile) -> [Int]
    ) {
        self.title = title
        self.covers = covers
        self.breaking = breaking
        self.keeping = keeping
        self.broken = broken
    }

    /// The places of all files that break it, as `path:line`.
    func findings(in files: [SourceFile]) -> [String] {
        files.filter(covers).flatMap { file in broken(file).map { "\(file.path):\($0)" } }
    }
}

extension TidyRule {
    /// Every rule that looks at files one by one.
    static let all = [
        pure, safe, provenUnchecked, forceless, finished, implemented, named, placeless, lineLength, functionLength,
        fileLength,
    ]

    private static func inLayer(_ name: String) -> @Sendable (SourceFile) -> Bool { { $0.layer == name } }

    /// The lines of words for which a condition holds.
    private static func lines(_ holds: @escaping @Sendable (SwiftText.Word) -> Bool) -> @Sendable (SourceFile) -> [Int]
    {
        { file in file.swift.words.filter(holds).map(\.line) }
    }

    // MARK: - Layers

    /// Words that reach for the world, whatever stands around them.
    private static let worldly: Set = [
        "ContinuousClock", "SuspendingClock", "DispatchTime", "clock_gettime", "gettimeofday", "FileManager",
        "FileHandle",
        "URLSession", "ProcessInfo", "CommandLine", "Thread", "SystemRandomNumberGenerator", "arc4random", "UUID",
        "unsafe",
        "unchecked", "Task", "getenv",
    ]

    private static let pure = TidyRule(
        "the core knows no clock, chance, file, thread or unsafe code", for: inLayer("Core"),
        breaking: [
            "let a = Date()", "let a = ContinuousClock.now", "let a: Instant = .now", "let a = FileManager.default",
            "let a = Int.random(in: 0..<3)", "let a = list.randomElement()", "let a = list.shuffled()",
            "let a = unsafe b.pointer", "print(\"a\")", "Task { }", "final class A: @unchecked Sendable {}",
            "let a = UUID()",
        ],
        keeping: [
            "func tick(at now: Timestamp) {}", "// Date() and FileManager", "let a = \"ContinuousClock\"",
            "let random = KeyedRandom(seed: seed)", "self.now = now", "let a = draw.random.next()",
            "let a = list.shuffled(using: &random)", "var date: Date",
        ]
    ) { file in
        file.swift.words.filter { word in
            let isMember = word.before == UInt8(ascii: ".")
            let isCalled = word.after == UInt8(ascii: "(")
            switch word.text {
            case "Date", "print", "debugPrint": return isCalled && !isMember
            case "now", "random": return isMember && !file.swift.isMemberOfValue(word)
            case "randomElement": return isMember
            case "shuffled", "shuffle":
                return isCalled && file.swift.code[(word.start + word.text.utf8.count)...].starts(with: "()".utf8)
            default: return worldly.contains(word.text)
            }
        }.map(\.line)
    }

    private static let safe = TidyRule(
        "unsafe code is in adapters only", for: { !$0.layer.isEmpty && $0.layer != "Adapters" },
        breaking: ["let a = unsafe b", "nonisolated(unsafe) var a = 1"], keeping: ["// unsafe", "let unsafety = 1"],
        lines { $0.text == "unsafe" })

    private static let provenUnchecked = TidyRule(
        "what is sendable without the compiler's proof has a comment that proves it",
        breaking: ["final class A: @unchecked Sendable {}"],
        keeping: ["/// `@unchecked Sendable`: it is immutable.\nfinal class A: @unchecked Sendable {}"]
    ) { file in
        file.swift.words.filter { $0.text == "unchecked" && $0.before == UInt8(ascii: "@") }.map(\.line).filter {
            line in
            !file.lines[max(0, line - 8)..<(line - 1)].contains { $0.contains("`@unchecked Sendable`:") }
        }
    }

    // MARK: - Leftovers

    private static let forceless = TidyRule(
        "nothing is forced: no try!, as! or unwrapping by !",
        breaking: [
            "let a = try! b()", "let a = b as! C", "let a = b!", "let a = b()!.c", "let a = b[0]!", "var a: B!",
        ],
        keeping: [
            "let a = !b", "if a != b {}", "let a = b && !c", "// no a! here", "let a = \"b!\"", "guard !(a) else {}",
        ]
    ) { file in
        let code = file.swift.code
        let ends = Set(Array(")]".utf8))
        return code.indices.dropFirst().filter { place in
            code[place] == UInt8(ascii: "!") && (code[place - 1].isWordByte || ends.contains(code[place - 1]))
                && !(place + 1 < code.count && code[place + 1] == UInt8(ascii: "="))
        }.map(file.swift.line)
    }

    /// Spelt in two pieces, so that these rules do not find themselves.
    private static let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

    private static let finished = TidyRule(
        "nothing is marked as unfinished",
        breaking: marks.map { "// \($0): later" } + marks.map { "let a = \"\($0)\"" },
        keeping: ["// to do this", "let fixes = 1"]
    ) { file in
        file.lines.indices.filter { index in marks.contains { file.lines[index].contains($0) } }.map { $0 + 1 }
    }

    private static let implemented = TidyRule(
        "nothing ends the program because it is not written yet",
        breaking: [
            "fatal" + "Error(\"not implemented\")", "fatal" + "Error()", "fatal" + "Error(\"Unimplemented\")",
        ], keeping: ["preconditionFailure(\"a name makes an id\")"]
    ) { file in
        file.lines.indices.filter { index in
            let text = file.lines[index].lowercased()
            return text.contains("fatal" + "error()")
                || text.contains("fatal" + "error(") && text.contains("implemented")
        }.map { $0 + 1 }
    }

    private static let named = TidyRule(
        "no type is named for nothing in particular",
        breaking: [
            "struct FleetManager {}", "enum TimeHelper {}", "final class Util {}", "struct FleetCommon {}",
            "class DeviceBase {}", "actor StoreImpl {}",
            "protocol FleetManaging {}; typealias A = B; enum StringUtils {}",
        ], keeping: ["struct Database {}", "func helper() {}", "struct Implementation {}", "let manager = 1"]
    ) { file in
        let kinds: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        let endings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Base", "Impl"]
        return zip(file.swift.words, file.swift.words.dropFirst()).filter { kind, name in
            kinds.contains(kind.text) && endings.contains { name.text.hasSuffix($0) }
        }.map(\.1.line)
    }

    private static let machinePaths = ["/wo" + "rk/", "/tmp/ba" + "sh_jobs"]

    private static let placeless = TidyRule(
        "no text names a place on the machine it was written on", breaking: machinePaths.map { "let a = \"\($0)a\"" },
        keeping: ["let a = \"/var/lib/edge\"", "// a framework/workshop"]
    ) { file in
        file.lines.indices.filter { index in machinePaths.contains { file.lines[index].contains($0) } }.map { $0 + 1 }
    }

    // MARK: - Sizes

    private static let lineLength = TidyRule(
        "a line has at most 120 columns", breaking: ["let a = \"" + String(repeating: "é", count: 112) + "\""],
        keeping: ["let a = \"" + String(repeating: "é", count: 110) + "\""]
    ) { file in
        file.lines.indices.filter { file.lines[$0].count > 120 }.map { $0 + 1 }
    }

    private static let functionLength = TidyRule(
        "a function has at most 60 lines",
        breaking: [
            "func a() {" + String(repeating: "\n", count: 60) + "}",
            "init() {" + String(repeating: "\n", count: 60) + "}",
        ],
        keeping: [
            "func a() {" + String(repeating: "\n", count: 59) + "}",
            "protocol A {\nfunc a()\nfunc b(c: () -> Int) -> Int\n}" + String(repeating: "\n", count: 60)
                + "struct B {}",
        ]
    ) { file in
        file.swift.words.filter { word in
            ["func", "init", "deinit", "subscript"].contains(word.text) && word.before != UInt8(ascii: ".")
        }.filter { word in file.swift.bodyEnd(of: word).map { file.swift.line(of: $0) - word.line >= 60 } ?? false }
            .map(\.line)
    }

    private static let fileLength = TidyRule(
        "a file has at most 400 lines; a program's 200",
        breaking: [String(repeating: "\n", count: 401)], keeping: [String(repeating: "\n", count: 400)]
    ) { file in
        let limit = file.layer == "Programs" ? 200 : 400
        return file.lines.count - 1 > limit ? [limit + 1] : []
    }
}

extension SwiftText {
    /// True where the word stands behind a value, such as `self` or a property, and not behind a type.
    fileprivate func isMemberOfValue(_ word: Word) -> Bool {
        let owner = code[..<(word.start - 1)].reversed().prefix { $0.isWordByte }.last
        return owner.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
    }

    /// The place of the bracket that ends the body of a function that starts with this word; nil where it has none.
    fileprivate func bodyEnd(of word: Word) -> Int? {
        var place = word.start + word.text.utf8.count
        while place < code.count {
            switch code[place] {
            case UInt8(ascii: "("), UInt8(ascii: "["): place = closing(place) ?? code.count
            case UInt8(ascii: "{"): return closing(place)
            case UInt8(ascii: "}"), UInt8(ascii: ";"): return nil
            case 0x0A where isDeclarationOver(place): return nil
            default: break
            }
            place += 1
        }
        return nil
    }

    /// True where the next line starts another declaration: the function before it has no body.
    private func isDeclarationOver(_ lineEnd: Int) -> Bool {
        let next = code[(lineEnd + 1)...].drop { $0 == 0x20 || $0 == 0x0A }
        let word = String(decoding: next.prefix { $0.isWordByte }, as: UTF8.self)
        return ["func", "var", "let", "init", "static", "mutating", "associatedtype", "case", "struct"].contains(word)
    }
}
