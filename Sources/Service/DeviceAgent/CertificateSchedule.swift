public import Fleet

/// When a device renews its certificate: at two thirds of its life, spread so that a fleet that enrolled in one hour
/// does not renew in one hour.
public struct CertificateSchedule: Hashable, Sendable {
    /// When the certificate begins to hold.
    public var startsAt: Timestamp
    /// When it ends.
    public var expiresAt: Timestamp

    /// The share of the life after which renewal begins, and by how much it is put off at most.
    static let share = 2.0 / 3
    static let spread = 1.0 / 12

    /// Describes a certificate's life.
    public init(startsAt: Timestamp, expiresAt: Timestamp) {
        self.startsAt = startsAt
        self.expiresAt = expiresAt
    }

    /// The moment to renew; `chance` in 0..<1 spreads devices.
    public func renewal(chance: Double) -> Timestamp {
        let life = Double(expiresAt.milliseconds - startsAt.milliseconds) / 1000
        return startsAt.adding(seconds: max(0, life) * (Self.share + Self.spread * chance))
    }
}
