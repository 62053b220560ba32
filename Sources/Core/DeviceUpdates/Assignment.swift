public import Fleet

/// What the device was ordered to run in its model slot; already verified.
public struct Assignment: Hashable, Sendable {
    /// The device's running number of assignments, from 1.
    public let number: UInt64
    /// The version to run.
    public let run: Digest
    /// The version to fall back to; nil where the order names none.
    public let fallback: Digest?
    /// How long the new version is on probation, seconds.
    public let probationSeconds: UInt32
    /// Whether a version that serves already is to go through the steps of an update once more.
    public let reinstall: Bool

    /// Makes an assignment.
    public init(
        number: UInt64, run: Digest, fallback: Digest?, probationSeconds: UInt32, reinstall: Bool = false
    ) {
        self.number = number
        self.run = run
        self.fallback = fallback
        self.probationSeconds = probationSeconds
        self.reinstall = reinstall
    }
}

/// Which versions are on the device.
public struct LocalVersions: Hashable, Sendable {
    /// What `current` points to: the version that serves; nil for none.
    public var current: Digest?
    /// What `lkg` points to: the version to return to; nil for none.
    public var lastKnownGood: Digest?
    /// Every version that is complete, verified and sealed.
    public var sealed: Set<Digest>

    /// Names the versions.
    public init(current: Digest? = nil, lastKnownGood: Digest? = nil, sealed: Set<Digest> = []) {
        self.current = current
        self.lastKnownGood = lastKnownGood
        self.sealed = sealed
    }

    /// Whether the serving version has a proven one to return to and is not it.
    public var isUnproven: Bool {
        guard let current, let lastKnownGood else { return false }
        return current != lastKnownGood
    }
}
