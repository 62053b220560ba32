import ModelTrust
import Testing

@Suite struct DSSETests {
    @Test("the encoding is that of the protocol's own example")
    func protocolVector() {
        let encoded = DSSE.preAuthenticationEncoding(
            payloadType: "http://example.com/HelloWorld", payload: "hello world".bytes)
        #expect(encoded.text == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
    }

    @Test("lengths count bytes, not characters")
    func lengths() {
        let encoded = DSSE.preAuthenticationEncoding(payloadType: "é", payload: "ü".bytes)
        #expect(encoded.text == "DSSEv1 2 é 2 ü")
    }
}
