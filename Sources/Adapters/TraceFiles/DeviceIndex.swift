/// Finds a device's place by the bytes of its id, without making a string.
struct DeviceIndex {
    private var slots: [Int32]
    private var ids: [UInt8] = []
    private var ends: [Int] = [0]

    /// An index for about so many devices.
    init(capacity: Int = 64) {
        var size = 128
        while size < capacity * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
    }

    /// How many devices it has.
    var count: Int { ends.count - 1 }

    /// The place of an id that stands somewhere in a buffer; nil where it is unknown.
    func place(of range: Range<Int>, in buffer: [UInt8]) -> Int? {
        let found = slots[slot(of: range, in: buffer)]
        return found < 0 ? nil : Int(found)
    }

    /// Adds an id; false where it is known already.
    mutating func insert(_ range: Range<Int>, in buffer: [UInt8]) -> Bool {
        if (count + 1) * 2 > slots.count { grow() }
        let slot = slot(of: range, in: buffer)
        guard slots[slot] < 0 else { return false }
        slots[slot] = Int32(count)
        ids += buffer[range]
        ends.append(ids.count)
        return true
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for place in 0..<count { slots[slot(of: ends[place]..<ends[place + 1], in: ids)] = Int32(place) }
    }

    /// The slot that holds an id, or the free one where it belongs.
    private func slot(of range: Range<Int>, in buffer: [UInt8]) -> Int {
        // FNV-1a with 64 bits (Fowler, Noll and Vo).
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in range { hash = (hash ^ UInt64(buffer[place])) &* 0x100_0000_01B3 }
        var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
        while slots[slot] >= 0, !isSame(Int(slots[slot]), range, buffer) { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private func isSame(_ place: Int, _ range: Range<Int>, _ buffer: [UInt8]) -> Bool {
        let start = ends[place]
        guard ends[place + 1] - start == range.count else { return false }
        for offset in 0..<range.count where ids[start + offset] != buffer[range.lowerBound + offset] { return false }
        return true
    }
}
