import Fleet
import ModelTrust

/// A digest that needs no cryptography: it is deterministic and moves with every byte, which is all that rules need.
struct ToyDigest: DigestAlgorithm {
    func digest(of bytes: [UInt8]) -> Digest {
        var state: [UInt64] = [
            0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93, 0xA076_1D64_78BD_642F,
        ]
        for lane in state.indices {
            for byte in bytes { state[lane] = (state[lane] ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        let raw = state.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        guard let digest = Digest(bytes: raw) else { preconditionFailure("four words are 32 bytes") }
        return digest
    }
}

/// A key whose signature is the toy digest of its name and the message: rules can be tested, secrets cannot.
struct ToyKey: SignatureVerifying, MessageSigning {
    let name: String

    var fingerprint: Digest { ToyDigest().digest(of: Array("spki \(name)".utf8)) }
    var pemDigest: Digest { ToyDigest().digest(of: Array("pem \(name)".utf8)) }

    func derSignature(over message: [UInt8]) throws(Never) -> [UInt8] { [0x30] + sign(message) }
    func rawSignature(over message: [UInt8]) throws(Never) -> [UInt8] { sign(message) + sign(message) }
    func accepts(derSignature: [UInt8], over message: [UInt8]) -> Bool { derSignature == derSignatureOf(message) }
    func accepts(rawSignature: [UInt8], over message: [UInt8]) -> Bool { rawSignature == sign(message) + sign(message) }

    private func derSignatureOf(_ message: [UInt8]) -> [UInt8] { [0x30] + sign(message) }
    private func sign(_ message: [UInt8]) -> [UInt8] { ToyDigest().digest(of: Array(name.utf8) + message).bytes }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
