import CanaryAnalysis
import Fleet
import ModelTrust
import PrometheusExposition
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Stories of a controller that is lost and restored from a backup, over twelve devices that run v1.
@Suite struct RestoreStoryTests {
    private let world: World

    init() throws {
        world = try World()
        try world.settle(devices: 12)
    }

    /// The store as it is now, with the mark of a restore that a later `restore` puts into it.
    private func backup() throws -> (store: MemoryStore, takenAt: Timestamp, rows: UInt64) {
        let store = try #require(world.store as? MemoryStore)
        return (store.copy(), world.time.now, try store.newestAudit(before: nil, limit: 1).first?.number ?? 0)
    }

    private func restore(
        _ backup: (store: MemoryStore, takenAt: Timestamp, rows: UInt64), at now: Timestamp? = nil
    ) throws {
        let number = UInt64(try backup.store.load().restores.count) + 1
        try backup.store.commit([
            .restore(
                StoredRestore(
                    number: number, backup: "b", takenAt: backup.takenAt, restoredAt: now ?? world.time.now,
                    auditRows: backup.rows))
        ])
        try world.restartController(store: { backup.store })
    }

    private func device(_ id: DeviceID) throws -> StoredDevice {
        try #require(world.controller.state.devices[id])
    }

    private func canaries() throws -> [SimulatedDevice] {
        try world.want(2)
        #expect(try world.run(atMost: 5) { $0.serving(2).count == 4 && $0.rollout?.progress.exposed == 4 })
        return world.serving(2)
    }

    @Test("what was rolled back after the backup is not ordered again until a person says so, and then it is")
    func notPromotedAgain() throws {
        let canaries = try canaries()
        let backup = try backup()
        try world.order(.rollback)
        #expect(try world.run(atMost: 10) { $0.rollout?.state == .rolledBack })
        // Whatever the lost controller ordered, many times over.
        for _ in 0..<20 {
            _ = try world.controller.decide(
                DeviceDecision(.retry, reason: "again"), on: canaries[0].id, by: world.person)
        }
        try world.run(3)
        let seen = try device(canaries[0].id).assignmentNumber
        try restore(backup)
        try world.run(20)
        #expect(world.rollout?.state == .halted && world.rollout?.waitReason == "restored")
        #expect(world.serving(1).count == 12, "nobody was ordered to run it again")
        #expect(world.rollout?.progress.exposed == 0 && world.rollout?.progress.commanded == 4)
        #expect(world.decided.last == .halt && world.rollout?.decisions.last?.actor == Rollout.restoringActor)
        try world.order(.resume)
        #expect(try world.run(atMost: 5) { $0.serving(2).count == 4 })
        #expect(Set(world.serving(2).map(\.id)) == Set(canaries.map(\.id)))
        #expect(try device(canaries[0].id).slots[0].number > seen)
        try world.run(3)
        #expect(world.rollout?.judgement?.exposed == 4, "and they are judged again")
    }

    @Test("canaries that run it all along are counted again when they are heard, and the judge goes on to watch them")
    func watched() throws {
        _ = try canaries()
        try restore(try backup())
        #expect(world.rollout?.progress.exposed == 0)
        try world.run(2)
        #expect(world.rollout?.progress.exposed == 4 && world.serving(2).count == 4)
        world.failureRates[world.versions[1].digest] = 0.7
        #expect(try world.run(atMost: 60) { $0.serving(2).isEmpty }, "harm takes it back, person or not")
        #expect(world.rollout?.decisions.last?.reason == "harm_proven")
    }

    @Test("what canaries measure that were taken back after the backup proves nothing for the version")
    func provesNothing() throws {
        world.policy.soakSeconds = 20
        _ = try canaries()
        let backup = try backup()
        try world.order(.rollback)
        try world.run(5)
        try restore(backup)
        try world.run(30)
        let before = try #require(world.rollout?.judgement)
        #expect(before.exposed == 0)
        let id = try #require(world.rollout).id
        let stored = try #require(try world.store.experiment(rollout: id, step: 1))
        let row = try #require(try world.store.evidence(rollout: id, step: 1).last)
        let last = try TickEvidence(decoding: row.bytes)
        let drawn = last.observations.filter { stored.experiment.devices[$0.device].isCanary }
        #expect(drawn.count == 4 && drawn.allSatisfy { $0.old.isEmpty && $0.new.isEmpty })
    }

    @Test("an order that nobody had followed at the backup is withdrawn, until a person goes on")
    func withdrawn() throws {
        for device in world.devices { device.isAway = true }
        try world.want(2)
        try world.run(1)
        let backup = try backup()
        let ordered = try world.assigned(2)
        #expect(ordered.count == 4)
        try world.order(.rollback)
        try restore(backup)
        for device in world.devices { device.isAway = false }
        try world.run(10)
        #expect(world.serving(2).isEmpty && world.serving(1).count == 12)
        #expect(try world.controller.assignments(of: ordered[0]).assignments.isEmpty)
        try world.order(.resume)
        #expect(try world.run(atMost: 5) { $0.serving(2).count == 4 })
    }

    @Test("a rollback that was under way goes on, whatever was ordered after the backup")
    func goesBack() throws {
        let canaries = try canaries()
        canaries[0].isAway = true
        try world.order(.rollback)
        let backup = try backup()
        try world.run(60)
        canaries[0].isAway = false
        #expect(try world.run(atMost: 9) { $0.rollout?.state == .rolledBack })
        try world.order(.retry)
        try world.order(.promote)
        #expect(try world.run(atMost: 9) { $0.serving(2).count == 12 })
        try restore(backup)
        #expect(try world.run(atMost: 9) { $0.rollout?.state == .rolledBack })
        let back = canaries.map(\.current)
        #expect(back.allSatisfy { $0 == world.versions[0].digest }, "they are ordered back under a number above all")
        #expect(world.serving(2).count == 8, "nothing else is ordered by itself")
    }

    @Test("a version that had reached everybody is watched on when a person says so")
    func watching() throws {
        _ = try canaries()
        try world.order(.promote)
        #expect(try world.run(atMost: 9) { $0.serving(2).count == 12 && $0.rollout?.state == .watching })
        let backup = try backup()
        try restore(backup)
        try world.run(15)
        #expect(world.rollout?.state == .halted && world.serving(2).count == 12)
        try world.order(.resume)
        #expect(world.rollout?.state == .watching)
        #expect(try world.run(atMost: 20) { $0.rollout?.state == .completed && $0.serving(2).count == 12 })
    }

    @Test("a first installation and a proposal wait for a person, and go on")
    func others() throws {
        let fresh = try World()
        try fresh.enrol(1)
        fresh.devices[0].isAway = true
        try fresh.want(1)
        let store = try #require(fresh.store as? MemoryStore)
        let copy = store.copy()
        try copy.commit([
            .restore(
                StoredRestore(
                    number: 1, backup: "b", takenAt: fresh.time.now, restoredAt: fresh.time.now, auditRows: 0))
        ])
        try fresh.restartController(store: { copy })
        try fresh.enrol(3)
        try fresh.run(5)
        #expect(fresh.rollout?.waitReason == "restored" && fresh.serving(1).isEmpty)
        fresh.devices[0].isAway = false
        try fresh.order(.resume)
        #expect(try fresh.run(atMost: 5) { $0.serving(1).count == 4 && $0.rollout?.state == .completed })
    }

    @Test("a device that the backup does not know enrols anew, and takes up what it is ordered")
    func unknown() throws {
        let backup = try backup()
        try world.enrol(1)
        try world.run(3)
        let late = try #require(world.devices.last)
        for _ in 0..<5 {
            _ = try world.controller.decide(DeviceDecision(.retry, reason: "again"), on: late.id, by: world.person)
        }
        try world.run(2)
        let seen = late.accepted
        try restore(backup)
        let problem = #expect(throws: Problem.self) { try world.controller.assignments(of: late.id) }
        #expect(problem?.code == "unknown_device" && problem?.detail.contains("enrolment token") == true)
        let token = try world.controller.createToken(EnrolmentTokenRequest(uses: 1, labels: Labels()), by: world.person)
        _ = try world.controller.enrol(
            EnrolmentRequest(token: token.secret ?? "", device: late.id, labels: Labels(), agentVersion: "1"))
        #expect(try device(late.id).slots[0].number > seen)
    }

    @Test("enrolment tokens of the backup open nothing: nobody knows which were used since")
    func tokens() throws {
        let token = try world.controller.createToken(EnrolmentTokenRequest(uses: 5, labels: Labels()), by: world.person)
        try restore(try backup())
        let problem = #expect(throws: Problem.self) {
            try world.controller.enrol(
                EnrolmentRequest(
                    token: token.secret ?? "", device: try DeviceID("new"), labels: Labels(), agentVersion: "1"))
        }
        #expect(problem?.code == "enrolment_refused")
    }

    @Test("the audit log goes on behind the backup's rows, and says first that it was restored, and from what")
    func audited() throws {
        let backup = try backup()
        try world.want(2)
        try world.run(5)
        try restore(backup)
        let rows = try world.controller.audit(after: backup.rows, limit: 9)
        #expect(rows.first?.number == backup.rows + 1 && rows.first?.restoredRows == backup.rows)
        #expect(rows.first?.action == AuditEvent.restoreAction && rows.first?.detail["taken"] == "\(backup.takenAt)")
    }

    @Test("it is done once, by whoever opens the database first, or not at all")
    func once() throws {
        _ = try canaries()
        let backup = try backup()
        backup.store.refuseCommits(1)
        #expect(throws: (any Error).self, "nobody serves what was not followed") {
            backup.store.refuseCommits(0)
            try backup.store.commit([
                .restore(
                    StoredRestore(
                        number: 1, backup: "b", takenAt: backup.takenAt, restoredAt: backup.takenAt,
                        auditRows: backup.rows))
            ])
            backup.store.refuseCommits(1)
            try world.restartController(store: { backup.store })
        }
        try world.restartController(store: { backup.store })
        let floor = world.controller.state.numberFloor
        #expect(floor > 0 && world.rollout?.waitReason == "restored")
        try world.order(.resume)
        try world.restartController()
        #expect(world.controller.state.numberFloor == floor && world.rollout?.state == .progressing)
    }

    @Test("numbers go on above all that may have been given, restore after restore, whatever the clocks say")
    func numbers() throws {
        func floor(_ largest: UInt64, taken: Int64, restored: Int64, now: Int64) -> UInt64 {
            StoredRestore(
                number: 1, backup: "b", takenAt: Timestamp(milliseconds: taken),
                restoredAt: Timestamp(milliseconds: restored), auditRows: 1
            ).floor(above: largest, at: Timestamp(milliseconds: now))
        }
        #expect(floor(12, taken: 1000, restored: 5000, now: 5000) == 5001, "never restored before: the clock")
        #expect(floor(9000, taken: 1000, restored: 5000, now: 5000) == 13_001, "a clock behind the one before")
        #expect(floor(9000, taken: 1000, restored: 500, now: 500) == 9001, "a clock behind the backup's own")
        #expect(floor(9000, taken: 1000, restored: 5000, now: 10) == 13_001, "a clock that was set back since")
        let first = try backup()
        try restore(first)
        let once = world.controller.state.numberFloor
        // The same backup again, as when the restored controller is lost too.
        world.time.pass(seconds: 60)
        try world.run(1)
        let again = try backup()
        try restore(again)
        #expect(world.controller.state.numberFloor > once + 60_000)
        #expect(world.controller.state.devices.values.allSatisfy { $0.assignmentNumber > once + 60_000 })
    }
}
