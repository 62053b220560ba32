/// The disks that a power cut may leave of one moment, on a file system that promises what POSIX does and no more.
///
/// Of each directory's changes since its last sync any subset survives, in an order of its own; of each file's writes
/// since its last sync any subset, each whole, torn in the middle, or as a new length without its bytes. Where there
/// are more combinations than the limit they are drawn by the seed, the extremes always among them.
struct CrashSpace {
    /// More changes of a directory, or writes of a file, than this are not enumerated but drawn.
    static let subsetLimit = 6
    static let writesLimit = 2

    /// Combinations of one moment that are tried at most.
    let limit: Int
    private(set) var chance: SeededChance
    /// Moments of which every combination was tried, and those of which some were drawn.
    private(set) var complete = 0
    private(set) var drawn = 0

    init(limit: Int, seed: UInt64, stream: UInt64 = 0) {
        self.limit = limit
        chance = SeededChance(seed: seed, stream: stream)
    }

    /// Calls the body with each disk; it says whether to go on.
    mutating func visit(_ state: MemoryDisk.State, _ body: (MemoryDisk.State) throws -> Bool) rethrows {
        var base = state
        base.budget = .max
        base.operations = 0
        let dirty = state.directories.keys.filter { state.directories[$0]?.changes.isEmpty == false }.sorted()
        var isComplete = true
        let names = dirty.map { directoryChoices(state.directories[$0], &isComplete) }
        var left = limit
        for choice in combinations(names.map(\.count), limit: limit, &isComplete) {
            for (place, chosen) in choice.enumerated() {
                let entries = names[place][chosen]
                base.directories[dirty[place]] = MemoryDisk.Directory(entries: entries, synced: entries)
            }
            guard left > 0 else {
                isComplete = false
                break
            }
            let reachable = base.reachableFiles.filter { state.files[$0]?.writes.isEmpty == false }.sorted()
            let contents = reachable.map { fileChoices(state.files[$0], &isComplete) }
            for choice in combinations(contents.map(\.count), limit: left, &isComplete) {
                for (place, chosen) in choice.enumerated() {
                    base.settle(reachable[place], contents[place][chosen])
                }
                left -= 1
                guard try body(base) else { return }
            }
        }
        if isComplete { complete += 1 } else { drawn += 1 }
    }

    /// Indices into each axis: all of them, or as many as the limit, drawn.
    private mutating func combinations(_ counts: [Int], limit: Int, _ isComplete: inout Bool) -> [[Int]] {
        let total = counts.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? .max : $0 * $1 }
        guard total > limit else {
            return (0..<total).map { number in
                var rest = number
                return counts.map { count in
                    defer { rest /= count }
                    return rest % count
                }
            }
        }
        isComplete = false
        var found = [counts.map { _ in 0 }, counts.map { $0 - 1 }]
        for _ in 2..<max(2, limit) { found.append(counts.map { chance.below($0) }) }
        return found
    }

    private mutating func directoryChoices(
        _ directory: MemoryDisk.Directory?, _ isComplete: inout Bool
    ) -> [[String: Int]] {
        guard let directory else { return [] }
        let changes = directory.changes
        var found: [[String: Int]] = []
        let add = { (chosen: [[String: Int]], found: inout [[String: Int]]) in
            var entries = directory.synced
            for change in chosen { for (name, target) in change { entries[name] = target == 0 ? nil : target } }
            if !found.contains(entries) { found.append(entries) }
        }
        if changes.count <= Self.subsetLimit {
            for mask in 0..<(1 << changes.count) {
                add(changes.indices.filter { mask >> $0 & 1 == 1 }.map { changes[$0] }, &found)
            }
        } else {
            isComplete = false
            add([], &found)
            for count in changes.indices { add(Array(changes.prefix(count)), &found) }
            for _ in 0..<32 { add(changes.filter { _ in chance.happens(0.5) }, &found) }
        }
        // The order of changes that touch the same names is the file system's own, too.
        for place in changes.indices.dropFirst()
        where !Set(changes[place].keys).isDisjoint(with: changes[place - 1].keys) {
            var swapped = changes
            swapped.swapAt(place, place - 1)
            add(swapped, &found)
        }
        add(changes, &found)
        return found
    }

    private mutating func fileChoices(_ file: MemoryDisk.File?, _ isComplete: inout Bool) -> [[UInt8]] {
        guard let file else { return [] }
        var found = [file.synced]
        let fates = MemoryDisk.Write.Fate.allCases
        if file.writes.count <= Self.writesLimit {
            for write in file.writes {
                for before in found {
                    for fate in fates {
                        let after = write.applied(to: before, fate)
                        if !found.contains(after) { found.append(after) }
                    }
                }
            }
        } else {
            isComplete = false
            for _ in 0..<32 {
                let after = file.writes.reduce(file.synced) { bytes, write in
                    chance.happens(0.3) ? bytes : write.applied(to: bytes, fates[chance.below(fates.count)])
                }
                if !found.contains(after) { found.append(after) }
            }
        }
        found.removeAll { $0 == file.bytes }
        return found + [file.bytes]
    }
}

extension MemoryDisk.Write {
    /// What a power cut may make of a write that was not dropped.
    enum Fate: CaseIterable {
        case whole
        /// The first half of the bytes, and the length as it was.
        case torn
        /// The new length, and no byte.
        case lengthOnly
    }

    func applied(to content: [UInt8], _ fate: Fate = .whole) -> [UInt8] {
        let end = offset + bytes.count
        switch fate {
        case .whole:
            let gap = [UInt8](repeating: 0, count: max(0, offset - content.count))
            return content.prefix(offset) + gap + bytes + (keepsRest ? content.dropFirst(end) : [])
        case .torn:
            let half = MemoryDisk.Write(offset: offset, bytes: Array(bytes.prefix((bytes.count + 1) / 2)))
            return half.applied(to: content) + content.dropFirst(half.offset + half.bytes.count)
        case .lengthOnly:
            if keepsRest, content.count > end { return content }
            return content.prefix(end) + [UInt8](repeating: 0, count: max(0, end - content.count))
        }
    }
}

extension MemoryDisk.State {
    /// The files that a name leads to.
    fileprivate var reachableFiles: Set<Int> {
        var found: Set<Int> = []
        var waiting = [0]
        while let inode = waiting.popLast() {
            for target in directories[inode]?.entries.values ?? [:].values {
                if directories[target] != nil { waiting.append(target) } else { found.insert(target) }
            }
        }
        return found.filter { files[$0] != nil }
    }

    fileprivate mutating func settle(_ inode: Int, _ bytes: [UInt8]) {
        let isReadOnly = files[inode]?.isReadOnly ?? false
        files[inode] = MemoryDisk.File(bytes: bytes, synced: bytes, isReadOnly: isReadOnly)
    }

    /// A number that is the same for disks that nobody can tell apart.
    var fingerprint: Int {
        var hasher = Hasher()
        var numbers: [Int: Int] = [:]
        hash(0, into: &hasher, &numbers)
        return hasher.finalize()
    }

    /// A number that is the same for disks that are alike in what is synced and in what is not.
    var shape: Int {
        var hasher = Hasher()
        hasher.combine(fingerprint)
        for (inode, directory) in directories.sorted(by: { $0.key < $1.key }) where !directory.changes.isEmpty {
            hasher.combine(inode)
            hasher.combine(directory.changes)
        }
        for (inode, file) in files.sorted(by: { $0.key < $1.key }) where !file.writes.isEmpty {
            hasher.combine(inode)
            hasher.combine(file.writes)
            hasher.combine(file.synced)
        }
        return hasher.finalize()
    }

    private func hash(_ inode: Int, into hasher: inout Hasher, _ numbers: inout [Int: Int]) {
        let isKnown = numbers[inode] != nil
        let number = numbers[inode] ?? numbers.count
        numbers[inode] = number
        hasher.combine(number)
        guard !isKnown else { return }
        if let file = files[inode] {
            hasher.combine(file.bytes.count)
            unsafe file.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            hasher.combine(file.isReadOnly)
        }
        hasher.combine(links[inode])
        for (name, target) in (directories[inode]?.entries ?? [:]).sorted(by: { $0.key < $1.key }) {
            hasher.combine(name)
            hash(target, into: &hasher, &numbers)
        }
        hasher.combine(0xFF)
    }
}
