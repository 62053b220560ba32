extension DurableFiles {
    /// Replaces a file so that a power cut leaves the old bytes or the new ones.
    func replace(_ path: String, with bytes: [UInt8], isSecret: Bool = false) throws(StorageFault) {
        let temporary = path + ".new"
        try remove(temporary)
        try write(temporary, bytes, isSecret: isSecret)
        try sync(temporary)
        try rename(temporary, to: path)
        try syncDirectory(Path.parent(of: path))
    }

    /// Points a symbolic link elsewhere so that a power cut leaves the old target or the new one.
    func point(_ path: String, to text: String) throws(StorageFault) {
        let temporary = path + ".new"
        try remove(temporary)
        try makeSymbolicLink(temporary, to: text)
        try rename(temporary, to: path)
        try syncDirectory(Path.parent(of: path))
    }

    /// Makes a directory and every one above it, durably.
    func makeDirectories(_ path: String) throws(StorageFault) {
        var built = ""
        for part in path.split(separator: "/") {
            let parent = built
            built = built.isEmpty ? String(part) : "\(built)/\(part)"
            try makeDirectory(built)
            try syncDirectory(parent)
        }
    }

    /// Removes a directory with everything in it; what a power cut leaves of it is removed the next time.
    func removeTree(_ path: String) throws(StorageFault) {
        for entry in try list(path) {
            let inner = "\(path)/\(entry.name)"
            if entry.isDirectory {
                try removeTree(inner)
            } else {
                try remove(inner)
            }
        }
        try remove(path)
    }

    /// Every regular file below a directory, as paths relative to it.
    func files(below path: String) throws(StorageFault) -> [String] {
        var paths: [String] = []
        for entry in try entries(below: path) { paths.append(entry.name) }
        return paths
    }

    /// Everything below a directory that is no directory, named by its path from there.
    func entries(below path: String, prefix: String = "") throws(StorageFault) -> [DirectoryEntry] {
        var found: [DirectoryEntry] = []
        for entry in try list(path) {
            if entry.isDirectory {
                found += try entries(below: "\(path)/\(entry.name)", prefix: prefix + entry.name + "/")
            } else {
                found.append(DirectoryEntry(name: prefix + entry.name, kind: entry.kind))
            }
        }
        return found
    }
}

/// Text of paths.
enum Path {
    /// The directory of a path; empty for the state directory itself.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }

    /// The last part of a path.
    static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }
}
