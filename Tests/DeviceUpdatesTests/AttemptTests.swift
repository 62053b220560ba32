import Fleet
import Testing

@testable import DeviceUpdates

@Suite struct AttemptTests {
    @Test("the path follows from what is on the device")
    func path() {
        #expect(install.path == .install)
        #expect(restore.path == .restore)
        #expect(keep.path == .keep)
        let unsealed = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v2])
        let back = Attempt(Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 0), local: unsealed)
        #expect(back.path == .install, "a backup that is not sealed must be fetched again")
    }

    @Test("the fallback changes before the swap only to a sealed version other than the new one")
    func beforeSwap() {
        let local = LocalVersions(current: v1, lastKnownGood: v1, sealed: [v1, v3])
        let cases: [(fallback: Digest?, expected: Digest?)] = [(nil, v1), (v2, v1), (v3, v3), (digest(9), v1)]
        for one in cases {
            let attempt = Attempt(
                Assignment(number: 2, run: v2, fallback: one.fallback, probationSeconds: 0), local: local)
            #expect(attempt.lastKnownGoodBeforeSwap(local) == one.expected)
        }
    }

    @Test("a first install becomes its own fallback; later only an assignment makes it so")
    func afterSuccess() {
        let empty = LocalVersions()
        let first = Attempt(Assignment(number: 1, run: v1, fallback: nil, probationSeconds: 0), local: empty)
        #expect(first.lastKnownGoodAfterSuccess(empty) == v1)
        #expect(install.lastKnownGoodAfterSuccess(settled) == v1, "during its rollout v1 stays the fallback")
        let promoted = Attempt(Assignment(number: 3, run: v2, fallback: v2, probationSeconds: 0), local: settled)
        #expect(promoted.lastKnownGoodAfterSuccess(settled) == v2)
    }

    @Test("a failure returns to the backup, else to what ran, else to nothing")
    func returnTarget() {
        var attempt = install
        #expect(attempt.returnTarget == v1)
        attempt.backup = v3
        #expect(attempt.returnTarget == v3)
        attempt.backup = v2
        #expect(attempt.returnTarget == v1, "the version that failed is no backup")
        let first = Attempt(Assignment(number: 1, run: v1, fallback: nil, probationSeconds: 0), local: LocalVersions())
        #expect(first.returnTarget == nil)
        #expect(restore.returnTarget == v1)
    }

    @Test("a device leaves by itself only an unproven version")
    func leaving() {
        #expect(Attempt(leaving: settled, assignment: 5) == nil)
        #expect(Attempt(leaving: LocalVersions(current: v1), assignment: 5) == nil)
        let unproven = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2])
        #expect(Attempt(leaving: unproven, assignment: 5)?.returnTarget == v1)
    }

    @Test("only faults of the version quarantine it")
    func quarantine() {
        #expect(Ending.failed(smokeFailure).quarantines)
        #expect(!Ending.failed(Failure(step: .download, reason: .diskFull)).quarantines)
        #expect(!Ending.failed(Failure(step: .download, reason: .downloadFailed)).quarantines)
        #expect(!Ending.fellBack(.contactLost).quarantines)
        #expect(Ending.fellBack(.runtimeCrashed).quarantines)
        #expect(!Ending.succeeded.quarantines && !Ending.restored.quarantines)
    }
}

@Suite struct OfflineFallbackTests {
    @Test(
        "an unproven version is left after a day without contact, a proven one never",
        arguments: [(86_399.0, true, false), (86_400.0, true, true), (864_000.0, false, false)])
    func isDue(silence: Double, isUnproven: Bool, expected: Bool) {
        let local = LocalVersions(current: isUnproven ? v2 : v1, lastKnownGood: v1, sealed: [v1, v2])
        let contact = Timestamp(milliseconds: 1_000_000)
        #expect(
            OfflineFallback.isDue(local: local, lastContact: contact, now: contact.adding(seconds: silence))
                == expected)
    }
}

@Suite struct CrashWindowTests {
    @Test("three crashes within five minutes are too many")
    func limit() {
        var window = CrashWindow()
        let answers = [0, 200, 300].map { window.crashed(at: $0) }
        #expect(answers == [false, false, true])
    }

    @Test("crashes that lie apart are not")
    func apart() {
        var window = CrashWindow()
        let answers = stride(from: 0.0, to: 2000, by: 151).map { window.crashed(at: $0) }
        #expect(!answers.contains(true))
    }

    @Test("another version starts with none")
    func reset() {
        var window = CrashWindow()
        _ = window.crashed(at: 0)
        _ = window.crashed(at: 1)
        window.reset()
        let answer = window.crashed(at: 2)
        #expect(!answer)
    }
}

@Suite struct BackoffTests {
    @Test("delays double up to the limit and shrink with chance")
    func delays() {
        var backoff = Backoff(firstSeconds: 1, limitSeconds: 8)
        let delays = (0..<6).map { _ in backoff.failed(chance: 1) }
        #expect(delays == [1, 2, 4, 8, 8, 8])
        backoff.succeeded()
        let short = backoff.failed(chance: 0.25)
        #expect(short == 0.25)
    }

    @Test("a thousand failures in a row do not overflow")
    func many() {
        var backoff = Backoff(firstSeconds: 1, limitSeconds: 60)
        let delays = (0..<1000).map { _ in backoff.failed(chance: 0.5) }
        #expect(delays.max() == 30)
    }
}
