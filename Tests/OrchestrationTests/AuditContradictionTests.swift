import Fleet
import PrometheusExposition
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct AuditContradictionTests {
    private func metric(_ world: World) -> String {
        let page = world.registry.render(.text) { world.controller.collect(into: &$0) }
        return String(decoding: page, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("edgeorch_audit_contradicted ") }.map(String.init) ?? "missing"
    }

    @Test func `a log that ends before its newest checkpoint at the start is a metric, and no other is`() throws {
        let world = try World()
        try world.enrol(1)
        try world.controller.sealAudit()
        try world.restartController()
        #expect(metric(world) == "edgeorch_audit_contradicted 0")
        try world.store.commit([
            .auditCheckpoint(AuditMark(number: 99, hash: .zero, at: world.time.now, seal: "another's"))
        ])
        try world.restartController()
        #expect(metric(world) == "edgeorch_audit_contradicted 1")
    }
}
