import ModelTrust
import Testing

@Suite struct Base64Tests {
    @Test(
        "the vectors of RFC 4648 section 10 are written and read",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func rfcVectors(plain: String, coded: String) {
        #expect(Base64.standard.encode(plain.bytes) == coded)
        #expect(Base64.standard.decode(coded) == plain.bytes)
        let unpadded = coded.filter { $0 != "=" }
        #expect(Base64.url.encode(plain.bytes) == unpadded)
        #expect(Base64.url.decode(unpadded) == plain.bytes)
    }

    @Test("the two alphabets differ in their last two letters")
    func alphabets() {
        #expect(Base64.standard.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.url.encode([0xFB, 0xFF]) == "-_8")
        #expect(Base64.url.decode("+/8") == nil)
        #expect(Base64.standard.decode("-_8=") == nil)
    }

    @Test(
        "a second spelling of the same bytes is refused",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", " Zm9v", "Zm=v", "Zm9vZg==Zm9v", "Zé==",
        ])
    func strictStandard(text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test("padding and stray bits are refused in URLs", arguments: ["Zg==", "Zh", "Zm9", "Z", "Zm9v.", "Zm 9"])
    func strictURL(text: String) {
        #expect(Base64.url.decode(text) == nil)
    }

    @Test("every length and every byte survives the way there and back", arguments: Base64.allCases)
    func roundTrip(form: Base64) {
        for length in 0...64 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            #expect(form.decode(form.encode(bytes)) == bytes)
        }
    }
}
