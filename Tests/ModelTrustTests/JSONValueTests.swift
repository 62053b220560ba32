import ModelTrust
import Testing

@Suite struct JSONValueTests {
    @Test("members are written sorted by their bytes, without whitespace")
    func deterministicText() {
        let value = JSONValue.object([
            "b": .array([.null, .bool(true), .bool(false), .integer(-7), .number(0.5)]), "a": .string("x/\"\\\n\u{1}é"),
            "B": .object([:]),
        ])
        #expect(value.serialized().text == #"{"B":{},"a":"x/\"\\\n\u0001é","b":[null,true,false,-7,0.5]}"#)
    }

    @Test("what was written reads back as the same value")
    func roundTrip() throws {
        let value = JSONValue.object([
            "text": .string("\u{1F600} \t\r\u{8}"), "list": .array([.integer(.max), .integer(.min), .number(1e-9)]),
            "none": .null,
        ])
        #expect(try JSONValue(parsing: value.serialized()) == value)
    }

    @Test(
        "escapes are read",
        arguments: [
            (#""\u0041\/\b\f\n\r\t\\\"""#, "A/\u{8}\u{C}\n\r\t\\\""), (#""\ud83d\ude00""#, "\u{1F600}"),
            (#""\u00e9""#, "é"),
        ])
    func escapes(text: String, value: String) throws {
        #expect(try JSONValue(parsing: text.bytes) == .string(value))
    }

    @Test(
        "numbers keep their kind",
        arguments: [
            ("0", JSONValue.integer(0)), ("-1", .integer(-1)), ("1.0", .number(1)), ("1e2", .number(100)),
            ("-2.5E-1", .number(-0.25)), (" \n 7 \t", .integer(7)),
        ])
    func numbers(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text.bytes) == value)
    }

    @Test(
        "what two readers could understand differently is refused",
        arguments: [
            "", " ", "{", "[1,", "[1,]", #"{"a":1,}"#, #"{"a" 1}"#, "{a:1}", #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#,
            "01", "-", "1.", ".5", "1e", "+1", "0x10", "NaN", "1e999", "9223372036854775808", "nul", "truefalse", "1 2",
            #""\ud83d""#, #""\ude00""#, #""\ud83d\u0041""#, #""\x41""#, #""\u12g4""#, #""\u+123""#, "\"a", "\"\n\"",
            "\"\u{1}\"", "[1]]", "\u{FEFF}1",
        ])
    func refused(text: String) {
        #expect(throws: JSONFault.self) { try JSONValue(parsing: text.bytes) }
    }

    @Test(
        "text that is no UTF-8 is refused",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONFault.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    }

    @Test("depth and length have limits")
    func limits() throws {
        let nested = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try JSONValue(parsing: nested.bytes)
        #expect(throws: JSONFault.self) { try JSONValue(parsing: "[\(nested)]".bytes) }
        #expect(throws: JSONFault.self) { try JSONValue(parsing: "12345".bytes, limits: JSONLimits(bytes: 4)) }
    }

    @Test("a fault says where")
    func faultPlace() {
        let fault = #expect(throws: JSONFault.self) { try JSONValue(parsing: "[1, x]".bytes) }
        #expect(fault?.description == "no value begins like this (at byte 4)")
    }
}
