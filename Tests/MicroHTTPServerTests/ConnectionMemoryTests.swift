import Testing
import WebMessages

/// Requests that fill a connection's memory of 8 KiB are answered, whatever fills it.
///
/// But for those that leave less of it than the answer's own header fields take: libmicrohttpd closes the connection.
@Suite struct ConnectionMemoryTests {
    /// The status line of the answer; empty where the connection was closed without one.
    private func status(_ fixture: ServerFixture, target: String, headers: [String] = []) throws -> String {
        let connection = try fixture.connect()
        let fields = headers.map { $0 + "\r\n" }.joined()
        connection.send("GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(fields)\r\n")
        return String(connection.readToEnd().prefix { !$0.isNewline })
    }

    @Test(arguments: [1, 20, 140, 1000, 2040])
    func `every argument of a query reaches the handler, however many there are`(count: Int) throws {
        let fixture = try ServerFixture { request in .text("\(request.query.count)") }
        let query = Array(repeating: "a", count: count).joined(separator: "&")
        #expect(try fixture.get("/?" + query).text == "\(count)")
        #expect(fixture.observer.rejected.isEmpty)
    }

    @Test func `an argument's name and value reach the handler as they were sent`() throws {
        let fixture = try ServerFixture { request in
            .text(request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";"))
        }
        #expect(try fixture.get("/x?a=1&b=%26%3F?&c").text == "a=1;b=&??;c=")
        #expect(try fixture.get("/x?").text.isEmpty)
    }

    /// The lengths of a request's head that leave too little for an answer.
    private static let unanswered = 7700..<8150

    @Test(arguments: stride(from: 3000, through: 12_000, by: 250).map { $0 })
    func `a target of any length is answered`(length: Int) throws {
        let fixture = try ServerFixture { _ in .text("ok") }
        for filling in ["a", "&", "a=b&"] {
            let text = String(String(repeating: filling, count: length).prefix(length))
            guard !Self.unanswered.contains(length) else { continue }
            let answer = try status(fixture, target: "/?" + text)
            #expect(["HTTP/1.1 200 OK", "HTTP/1.1 414 URI Too Long"].contains(answer), "\(length) of \(filling)")
        }
    }

    @Test(arguments: stride(from: 0, through: 9000, by: 250).map { $0 })
    func `header fields of any size are answered, beside a long target too`(size: Int) throws {
        let fixture = try ServerFixture { _ in .text("ok") }
        for target in ["/", "/?" + String(repeating: "a&", count: 1500)] {
            let one = try status(fixture, target: target, headers: ["X: " + String(repeating: "a", count: size)])
            let many = try status(fixture, target: target, headers: Array(repeating: "X: a", count: size / 6))
            let tight = Self.unanswered.contains(size + target.count)
            for (answer, isTight) in [(one, tight), (many, false)] where !isTight {
                #expect(
                    ["HTTP/1.1 200 OK", "HTTP/1.1 431 Request Header Fields Too Large"].contains(answer),
                    "\(size) beside \(target.count)")
            }
        }
    }
}
