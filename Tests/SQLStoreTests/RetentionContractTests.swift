import AuditTrail
import CanaryAnalysis
import Cryptography
import Fleet
import Foundation
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// What every store promises about what is kept no longer.
@Suite struct RetentionContractTests {
    private let rollouts: [RolloutID]

    init() throws {
        rollouts = [try RolloutID("digits-1"), try RolloutID("digits-2")]
    }

    /// A world on a store of some kind that has rolled out a version twice.
    private func world(_ place: StorePlace) throws -> World {
        let world = try World(store: place.store)
        try world.settle()
        for version in 2...3 {
            try world.want(version)
            #expect(try world.run(atMost: 200) { $0.rollout?.state == .completed })
        }
        return world
    }

    @Test("evidence is measured and removed by ticks, an experiment after it", arguments: StoreKind.allCases)
    func evidence(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        let steps = try place.store.drawnSteps()
        #expect(steps == steps.sorted { ($0.rollout, $0.step) < ($1.rollout, $1.step) })
        #expect(Set(steps.map(\.rollout)).count == 2)
        let step = try #require(steps.first)
        let other = try #require(steps.last)
        let rows = try place.store.evidence(rollout: step.rollout, step: step.step)
        let all = try place.store.evidenceExtent(of: step, limit: .max)
        #expect(all.rows == rows.count)
        #expect(all.bytes == rows.reduce(0) { $0 + $1.bytes.count })
        #expect(all.last == UInt64(rows.last?.tick ?? 0))
        let piece = try place.store.evidenceExtent(of: step, limit: 2)
        #expect(piece.rows == 2)
        #expect(piece.last == UInt64(rows[1].tick))
        try place.store.commit([.removal(.evidence(step, through: Int(piece.last)))])
        #expect(try place.store.evidence(rollout: step.rollout, step: step.step) == Array(rows.dropFirst(2)))
        try place.store.commit([.removal(.evidence(step, through: .max >> 33)), .removal(.experiment(step))])
        #expect(try place.store.evidenceExtent(of: step, limit: .max) == StoredExtent())
        #expect(try place.store.experiment(rollout: step.rollout, step: step.step) == nil)
        #expect(try place.store.drawnSteps() == Array(steps.dropFirst()))
        #expect(try !place.store.evidence(rollout: other.rollout, step: other.step).isEmpty)
        withExtendedLifetime(world) {}
    }

    @Test("an experiment stays as long as evidence refers to it", arguments: [StoreKind.memory, .postgresql])
    func referred(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        let step = try #require(try place.store.drawnSteps().first)
        #expect(throws: (any Error).self) { try place.store.commit([.removal(.experiment(step))]) }
        #expect(try place.store.experiment(rollout: step.rollout, step: step.step) != nil)
        withExtendedLifetime(world) {}
    }

    private func event(_ number: UInt64) -> AuditEvent {
        AuditEvent(
            number: number, at: TestTime.start, actor: "ada", action: "grüße", subject: "x", hash: .zero)
    }

    @Test("audit rows go up to where the log begins by its own record, and no further", arguments: StoreKind.allCases)
    func audit(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit((1...9).map { .audit(event($0)) })
        #expect(try place.store.auditBeginning() == nil)
        let extent = try place.store.auditExtent(through: 5, limit: 3)
        #expect(extent.rows == 3)
        #expect(extent.last == 3)
        #expect(extent.bytes > 150)
        #expect(throws: (any Error).self) { try place.store.commit([.removal(.audit(through: 1))]) }
        let mark = AuditMark(number: 5, hash: .zero, at: TestTime.start, seal: "a.b.c")
        try place.store.commit([.auditBeginning(mark)])
        try place.reopen()
        #expect(try place.store.auditBeginning() == mark)
        #expect(throws: (any Error).self) { try place.store.commit([.removal(.audit(through: 6))]) }
        #expect(try place.store.audit(after: 0, limit: 99).count == 9)
        try place.store.commit([.removal(.audit(through: 3))])
        #expect(try place.store.audit(after: 0, limit: 99).map(\.number) == [4, 5, 6, 7, 8, 9])
        try place.store.commit([.removal(.audit(through: 5))])
        #expect(try place.store.audit(after: 0, limit: 99).map(\.number) == [6, 7, 8, 9])
        #expect(try place.store.auditExtent(through: 5, limit: 99) == StoredExtent())
    }

    @Test(
        "a database of the version before is brought to the newest, and keeps what is in it",
        arguments: StoreKind.databases)
    func updated(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit((1...4).map { .audit(event($0)) })
        try place.toSchema4()
        try place.reopen()
        #expect(try place.store.audit(after: 0, limit: 9).count == 4)
        #expect(throws: (any Error).self) { try place.execute(["DELETE FROM audit"]) }
        let mark = AuditMark(number: 2, hash: .zero, at: TestTime.start, seal: "a")
        try place.store.commit([.auditBeginning(mark), .removal(.audit(through: 2))])
        #expect(try place.store.audit(after: 0, limit: 9).map(\.number) == [3, 4])
    }
}
