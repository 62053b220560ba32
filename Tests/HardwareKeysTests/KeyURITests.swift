import HardwareKeys
import Testing

@Suite struct KeyURITests {
    @Test("a URI says token, key, library and where the PIN is")
    func whole() throws {
        let uri = try KeyURI(
            "pkcs11:token=our%20keys;object=publisher;type=private?module-path=/usr/lib/x.so&pin-source=file:/run/pin")
        #expect(uri.locator == "pkcs11:token=our%20keys;object=publisher;type=private")
        #expect(uri.object == "publisher" && uri.modulePath == "/usr/lib/x.so" && uri.pinFile == "/run/pin")
        #expect("\(uri)" == uri.locator)
    }

    @Test(
        "a PIN's file may be a path or a file URI",
        arguments: ["/run/pin", "file:/run/pin", "file:///run/pin", "%2Frun%2Fpin"])
    func pinSource(text: String) throws {
        #expect(try KeyURI("pkcs11:object=o?pin-source=\(text)").pinFile == "/run/pin")
    }

    @Test("a key may be named by its id; what else is in the path goes to the token's library as it is")
    func byID() throws {
        let uri = try KeyURI("pkcs11:serial=1234;id=%FF%01")
        #expect(uri.object == nil && uri.modulePath == nil && uri.pinFile == nil)
        #expect(uri.locator == "pkcs11:serial=1234;id=%FF%01")
    }

    @Test(
        "what cannot be used is refused with the reason, and never repeats a PIN",
        arguments: [
            ("publisher.key", "pkcs11:"), ("pkcs11:token=t", "names no key"), ("pkcs11:object", "\"=\""),
            ("pkcs11:object=a;object=b", "twice"), ("pkcs11:object=%zz", "percent"),
            ("pkcs11:object=o?pin-value=4711", "command line"), ("pkcs11:object=o?pin-source=|cat%20pin", "not run"),
            ("pkcs11:object=o?x=4711", "not understood"),
        ])
    func refused(text: String, word: String) {
        let error = #expect(throws: HardwareKeyError.self) { try KeyURI(text) }
        let sentence = error.map { "\($0)" } ?? ""
        #expect(sentence.contains(word), "\(sentence)")
        #expect(!sentence.contains("4711"))
    }

    @Test("a file's name is not taken for a URI")
    func files() {
        #expect(KeyURI.isMeant(by: "pkcs11:object=o"))
        #expect(!KeyURI.isMeant(by: "./pkcs11:object=o") && !KeyURI.isMeant(by: "publisher.key"))
    }
}
