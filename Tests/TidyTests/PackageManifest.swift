/// What `Package.swift` says of its targets.
struct PackageManifest: Sendable {
    /// One target.
    struct Target: Hashable, Sendable {
        let name: String
        /// The folder below `Sources`; `Tests` for tests.
        let layer: String
        /// Targets, and modules of other packages.
        let dependencies: Set<String>
    }

    let targets: [Target]
    /// The modules of other packages that any target depends on.
    let foreignModules: Set<String>

    /// Reads the calls that make targets: `layer("Core", "Fleet", [...])`, `cLibrary(...)`, `program(...)`,
    /// `tests(...)`.
    init(_ file: SourceFile) {
        var reader = ManifestReading(file)
        foreignModules = Set(reader.foreign.values)
        targets = reader.targets()
    }
}

private struct ManifestReading {
    private let file: SourceFile
    private let source: [UInt8]
    /// Modules of other packages by the constants that name them.
    private(set) var foreign: [String: String] = [:]

    init(_ file: SourceFile) {
        self.file = file
        source = Array(file.text.utf8)
        for word in file.swift.words where word.text == "product" {
            let place = word.start + word.text.utf8.count
            guard let end = file.swift.closing(place), let name = texts(in: place..<end).first?.text else { continue }
            let constant = file.swift.words.last {
                $0.start < word.start && $0.line == word.line && $0.text != "Dependency" && $0.text != "Target"
                    && $0.text != "let"
            }
            if let constant { foreign[constant.text] = name }
        }
    }

    mutating func targets() -> [PackageManifest.Target] {
        let words = file.swift.words
        return words.indices.compactMap { index in
            let word = words[index]
            guard word.after == UInt8(ascii: "("), index == 0 || words[index - 1].text != "func" else { return nil }
            let open = word.start + word.text.utf8.count
            guard let end = file.swift.closing(open) else { return nil }
            let names = texts(in: open..<(file.swift.code[open..<end].firstIndex(of: UInt8(ascii: "[")) ?? end))
            switch word.text {
            case "layer" where names.count > 1: return target(names[1].text, names[0].text, open..<end)
            case "cLibrary": return names.first.map { .init(name: $0.text, layer: "CLibraries", dependencies: []) }
            case "program": return names.first.flatMap { target($0.text, "Programs", open..<end) }
            case "tests":
                return names.first.flatMap { target($0.text + "Tests", "Tests", open..<end, besides: [$0.text]) }
            case "target" where names.first?.text.contains("\\(") == false,
                "testTarget" where names.first?.text.contains("\\(") == false:
                return names.first.flatMap { target($0.text, "Tests", open..<end) }
            default: return nil
            }
        }
    }

    /// A target whose dependencies are the first list that no label stands before.
    private func target(
        _ name: String, _ layer: String, _ call: Range<Int>, besides: Set<String> = []
    ) -> PackageManifest.Target {
        var dependencies = besides
        if let open = file.swift.code[call].firstIndex(of: UInt8(ascii: "[")), let end = file.swift.closing(open) {
            let isOther = String(decoding: source[call.lowerBound..<open], as: UTF8.self).contains("resources:")
            if !isOther {
                dependencies.formUnion(texts(in: open..<end).map(\.text))
                for word in file.swift.words where (open..<end).contains(word.start) {
                    if let module = foreign[word.text] { dependencies.insert(module) }
                }
            }
        }
        return .init(name: name, layer: layer, dependencies: dependencies)
    }

    /// The contents of the texts in a stretch of the manifest.
    private func texts(in range: Range<Int>) -> [(text: String, place: Int)] {
        var found: [(text: String, place: Int)] = []
        var start: Int?
        for place in range where file.swift.code[place] == UInt8(ascii: "\"") {
            if let first = start {
                found.append((String(decoding: source[(first + 1)..<place], as: UTF8.self), first))
                start = nil
            } else {
                start = place
            }
        }
        return found
    }
}
