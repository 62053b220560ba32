import Fleet
import Foundation
import Testing

@testable import Rollouts

@Suite struct PickedCanariesTests {
    @Test("what a person types is a list of ids, or a selector where it says how a label must be")
    func text() throws {
        #expect(try PickedCanaries(text: "d1,d2") == .devices([try DeviceID("d1"), try DeviceID("d2")]))
        #expect(try PickedCanaries(text: "d1") == .devices([try DeviceID("d1")]))
        #expect(try PickedCanaries(text: "site=lab") == .selector(try Selector("site=lab")))
        #expect(try PickedCanaries(text: "hw in (a,b)") == .selector(try Selector("hw in (a,b)")))
        #expect(try PickedCanaries(text: "!stable") == .selector(try Selector("!stable")))
        #expect(throws: (any Error).self) { try PickedCanaries(text: "site=(") }
    }

    @Test("it is written as what it was, and a deployment from before has none")
    func codec() throws {
        let picks: [PickedCanaries] = [.devices([try DeviceID("d1")]), .selector(try Selector("site=lab"))]
        let encoded = try JSONEncoder().encode(picks)
        #expect(String(decoding: encoded, as: UTF8.self) == #"[["d1"],"site=lab"]"#)
        #expect(try JSONDecoder().decode([PickedCanaries].self, from: encoded) == picks)
        let older = #"{"name":"digits","selector":"","model":"digits","version":"v1"}"#
        #expect(try JSONDecoder().decode(Deployment.self, from: Data(older.utf8)).canaries == nil)
    }
}
