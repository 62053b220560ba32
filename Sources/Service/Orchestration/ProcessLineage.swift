import Fleet
import WireFormat

/// How two machines were seen to use one identity.
enum TwinFinding: String, Sendable {
    /// A process spoke again, with proof of a reply that was given after its successor had spoken.
    case returned = "a process that another had followed went on"
    /// One boot's heartbeats repeat the replies in an order that one process cannot have got them in.
    case crossed = "two processes speak under one start"
}

/// The processes that speak for a device, and whether two of them are alive at once.
///
/// On one machine processes follow each other: a process that has ended gets no more replies. Each reply has a number
/// and each heartbeat repeats the newest that its process got. So a process that repeats a reply given after its
/// successor spoke is alive beside it, on another machine. No clock and no address takes part in it: a restart, a clock
/// that went back, a heartbeat that lay in a buffer and a changed network prove nothing, and none of them is an alarm.
struct ProcessLineage: Sendable {
    /// One process.
    private struct Speaker {
        let boot: Int64
        var sequence: UInt64
        var heard: UInt64
        /// The number of the first reply to its successor; nil for the newest process.
        var followedAt: UInt64?
    }

    /// As many processes as are remembered.
    static let limit = 4

    private var speakers: [Speaker] = []
    private var firstReply: UInt64 = 0
    private var lastReply: UInt64 = 0
    /// What was found; stays until a person has decided.
    private(set) var twin: TwinFinding?

    /// Takes in who speaks and numbers the reply.
    mutating func take(_ heartbeat: Heartbeat, at now: Timestamp) -> UInt64 {
        let number = max(lastReply + 1, UInt64(max(0, now.milliseconds)))
        if firstReply == 0 { firstReply = number }
        defer { lastReply = number }
        guard let heard = heartbeat.heard else { return number }
        guard let index = speakers.firstIndex(where: { $0.boot == heartbeat.boot }) else {
            follow(heartbeat, number: number)
            return number
        }
        // Replies of an earlier life of the controller prove nothing: its clock may have gone back since.
        guard (firstReply...lastReply).contains(heard) else { return number }
        judge(heard, heartbeat.sequence, of: index)
        return number
    }

    private mutating func follow(_ heartbeat: Heartbeat, number: UInt64) {
        for index in speakers.indices where speakers[index].followedAt == nil { speakers[index].followedAt = number }
        speakers.append(Speaker(boot: heartbeat.boot, sequence: heartbeat.sequence, heard: 0, followedAt: nil))
        if speakers.count > Self.limit { speakers.removeFirst() }
    }

    private mutating func judge(_ heard: UInt64, _ sequence: UInt64, of index: Int) {
        let known = speakers[index]
        if let followedAt = known.followedAt, heard >= followedAt { twin = .returned }
        if known.heard > 0 {
            let wentBack = sequence > known.sequence && heard < known.heard
            let overtook = sequence < known.sequence && heard > known.heard
            if wentBack || overtook || (sequence == known.sequence && heard != known.heard) { twin = .crossed }
        }
        guard sequence >= known.sequence else { return }
        speakers[index].sequence = sequence
        speakers[index].heard = heard
    }
}
