import Fleet

@testable import DeviceUpdates

/// Digests that are told apart by one byte.
func digest(_ number: UInt8) -> Digest {
    Digest(bytes: Array(repeating: number, count: 32)) ?? Digest.zero
}

extension Digest {
    static let zero: Digest = {
        guard let zero = Digest(bytes: Array(repeating: 0, count: 32)) else {
            preconditionFailure("32 bytes are a digest")
        }
        return zero
    }()
}

let v1 = digest(1)
let v2 = digest(2)
let v3 = digest(3)

/// A device that serves and falls back to v1.
let settled = LocalVersions(current: v1, lastKnownGood: v1, sealed: [v1])

let install = Attempt(Assignment(number: 2, run: v2, fallback: v1, probationSeconds: 30), local: settled)
let restore = Attempt(
    Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30),
    local: LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2]))
let keep = Attempt(Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30), local: settled)
let reinstall = Attempt(
    Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30, reinstall: true), local: settled)

let smokeFailure = Failure(step: .smoke, reason: .smokeFailed)

/// One state of every kind.
let everyState: [UpdateState] = [
    .idle, .checking(install), .downloading(install), .verifying(install), .backingUp(install), .deploying(install),
    .smokeTesting(install), .onProbation(install), .rollingBack(install, smokeFailure, tries: 0),
    .ending(install, .failed(smokeFailure)), .safe,
]

/// One event of every kind.
let everyEvent: [UpdateEvent] = [
    .assignmentReceived(Assignment(number: 3, run: v3, fallback: v1, probationSeconds: 1), settled), .stepDone,
    .backedUp(v1), .stepFailed(.diskFull), .runtimeUnstable(settled), .contactLost(settled),
    .versionDamaged(settled), .returnOrdered(settled), .reported, .agentStarted(settled),
]
