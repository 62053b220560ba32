import Cryptography
import ModelTrust
import Testing

/// Keys come before they are used and go after their tokens have ended.
@Suite struct TokenKeyRingTests {
    private static let now: Int64 = 1_800_000_000

    @Test("the next key is published a month before it signs, and the last one stays until its tokens have ended")
    func rotation() throws {
        var ring = try TokenKeyRing(at: Self.now)
        let first = ring.keySet.keys
        #expect(first.count == 2)
        #expect(ring.signingKey(at: Self.now).publicKey == first[0])
        let unchanged = try ring.rotate(at: Self.now + 86_400)
        #expect(!unchanged)
        let month = Self.now + TokenKeyRing.periodSeconds
        let changed = try ring.rotate(at: month)
        #expect(changed)
        #expect(ring.signingKey(at: month).publicKey == first[1])
        #expect(Array(ring.keySet.keys.prefix(2)) == first && ring.keySet.keys.count == 3)
        let dropped = try ring.rotate(at: month + TokenKeyRing.afterlifeSeconds)
        #expect(dropped)
        #expect(ring.keySet.keys.first == first[1] && ring.keySet.keys.count == 2)
    }

    @Test("a ring that slept for years signs with a fresh key and publishes another")
    func slept() throws {
        var ring = try TokenKeyRing(at: Self.now)
        let first = ring.keySet.keys
        let later = Self.now + 20 * TokenKeyRing.periodSeconds
        let changed = try ring.rotate(at: later)
        #expect(changed)
        #expect(!first.contains(ring.signingKey(at: later).publicKey))
        #expect(ring.keySet.keys.count >= 2)
        #expect(ring.keySet.keys.last != ring.signingKey(at: later).publicKey)
    }

    @Test("a ring is read back as it was written, and damage is refused")
    func kept() throws {
        let ring = try TokenKeyRing(at: Self.now)
        let text = try ring.serialized()
        var read = try TokenKeyRing(parsing: text)
        #expect(read.keySet == ring.keySet)
        for moment in [Self.now, Self.now + TokenKeyRing.periodSeconds - 1, Self.now + TokenKeyRing.periodSeconds] {
            #expect(read.signingKey(at: moment).publicKey == ring.signingKey(at: moment).publicKey)
        }
        let changed = try read.rotate(at: Self.now + 86_400)
        #expect(!changed, "what was read is as old as what was written")
        #expect(throws: CryptographyError.self) { try TokenKeyRing(parsing: Array(text.dropLast(9))) }
        #expect(throws: CryptographyError.self) { try TokenKeyRing(parsing: Array(#"{"keys":[]}"#.utf8)) }
    }
}
