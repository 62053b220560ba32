import Fleet
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

@Suite struct AudienceTests {
    private static let devices = [
        "POST /v1/enrolments", "POST /v1/devices/dev1/heartbeats", "GET /v1/devices/dev1/assignment",
        "POST /v1/devices/dev1/reports", "POST /v1/devices/dev1/history",
    ]
    private static let operators = [
        "GET /v1/devices", "GET /v1/audit", "POST /v1/enrolment-tokens", "GET /v1/api-keys",
    ]
    private static let everyone = [
        "GET /healthz", "GET /readyz", "GET /v1/whoami", "GET /v1/assignment-key", "GET /openapi.yaml",
    ]

    private func status(_ route: String, on audience: Audience) throws -> Int {
        let words = route.split(separator: " ").map(String.init)
        return try TestAPI(audience: audience).send(words[0], words[1], as: nil).status
    }

    @Test(arguments: devices) func `what devices call is unknown to the operators' listener`(route: String) throws {
        #expect(try status(route, on: .operators) == 404)
        #expect(try status(route, on: .devices) != 404)
        #expect(try status(route, on: .everyone) != 404)
    }

    @Test(arguments: operators) func `what operators call is unknown to the devices' listener`(route: String) throws {
        #expect(try status(route, on: .devices) == 404)
        #expect(try status(route, on: .operators) != 404)
    }

    @Test(arguments: everyone) func `what both need is on both`(route: String) throws {
        #expect(try status(route, on: .devices) != 404)
        #expect(try status(route, on: .operators) != 404)
    }

    @Test func `the certificate authority is told to everyone, where there is one`() throws {
        #expect(
            try TestAPI().send("GET", "/v1/certificate-authority", as: nil).problem().code == "no_certificate_authority"
        )
        let told = try TestAPI(certificateAuthority: "-----BEGIN").send("GET", "/v1/certificate-authority", as: nil)
        #expect(told.status == 200 && told.text == "-----BEGIN")
    }
}
