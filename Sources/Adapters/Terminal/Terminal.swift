internal import Glibc

/// One of the program's output streams and what can be shown on it.
public struct Terminal: Sendable {
    /// Which stream.
    public enum Stream: Int32, Sendable {
        /// Results.
        case output = 1
        /// Everything said beside the result: progress, hints, errors.
        case error = 2
    }

    /// The stream.
    public let stream: Stream
    /// Whether a person looks at it: it is a terminal that can move its cursor.
    public let isInteractive: Bool
    /// Whether colour may be used (https://no-color.org).
    public let hasColour: Bool
    /// Whether characters beyond ASCII are shown.
    public let hasUnicode: Bool

    /// Looks at a stream.
    ///
    /// - Parameter environment: the process's environment; `NO_COLOR`, `TERM`, `LC_ALL`, `LC_CTYPE` and `LANG` count.
    public init(_ stream: Stream, environment: [String: String]) {
        self.stream = stream
        isInteractive = isatty(stream.rawValue) == 1 && environment["TERM"] != "dumb"
        hasColour = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        hasUnicode = locale.lowercased().contains("utf")
    }

    /// Describes a stream instead of looking at it.
    init(_ stream: Stream, isInteractive: Bool, palette: Palette) {
        self.stream = stream
        self.isInteractive = isInteractive
        hasColour = palette.hasColour
        hasUnicode = palette.hasUnicode
    }

    /// The number of columns and rows now; 80 by 24 where the stream does not say.
    public var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// How styles are written on it.
    public var palette: Palette { Palette(hasColour: hasColour, hasUnicode: hasUnicode) }

    /// Writes text as it is; a reader that went away is ignored.
    public func write(_ text: String) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(stream.rawValue, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }

    /// Writes a line.
    public func print(_ line: String = "") { write(line + "\n") }

    /// Writes a styled line.
    public func print(_ line: StyledText) { write(line.rendered(palette) + "\n") }
}
