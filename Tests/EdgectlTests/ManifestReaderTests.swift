import CanaryAnalysis
import Fleet
import Rollouts
import Testing

@testable import edgectl

@Suite struct ManifestReaderTests {
    private func read(_ text: String) throws -> [Manifest] { try ManifestReader(file: "a.yaml").manifests(in: text) }

    private func fault(_ text: String) throws -> ManifestFault {
        try #require(#expect(throws: ManifestFault.self) { try read(text) })
    }

    private static let deployment = """
        kind: Deployment
        name: digits
        selector: site=berlin
        model: digits
        version: v2
        """

    private func digits() throws -> Manifest {
        .deployment(
            Deployment(
                name: try DeploymentName("digits"), selector: try Selector("site=berlin"),
                model: try ModelName("digits"), version: try VersionName("v2")))
    }

    // MARK: - What is read

    @Test("a deployment is read with its fields beside kind, below spec, and as JSON")
    func deployments() throws {
        let below = """
            kind: Deployment
            name: digits
            spec: {selector: site=berlin, model: digits, version: v2}
            """
        let json = """
            {"kind": "Deployment", "name": "digits", "selector": "site=berlin", "model": "digits", "version": "v2"}
            """
        for text in [Self.deployment, below, json] { #expect(try read(text) == [try digits()]) }
    }

    @Test("a policy has the product's defaults for what it leaves out")
    func policies() throws {
        let text = """
            kind: Policy
            name: calm
            steps: [1 device, 50%, 100%]
            metrics:
              - name: failures
                limit: 0.2
            """
        let expected = Policy(
            name: try PolicyName("calm"), steps: [.devices(1), .percent(50), .percent(100)],
            metrics: [MetricPolicy(name: "failures", limit: 0.2)])
        #expect(try read(text) == [.policy(expected)])
    }

    @Test("several documents are read in their order, empty ones left out, and applied policies first")
    func documents() throws {
        let text = Self.deployment + "\n---\n---\nkind: Policy\nname: calm\n---\n# nothing\n"
        let manifests = try read(text)
        #expect(manifests.map(\.title) == ["deployment/digits", "policy/calm"])
        #expect(Manifest.inOrder(manifests).map(\.title) == ["policy/calm", "deployment/digits"])
    }

    @Test("canaries are a selector's text or a list of device ids")
    func canaries() throws {
        func canaries(_ text: String) throws -> PickedCanaries? {
            guard case .deployment(let deployment) = try read(Self.deployment + "\ncanaries: " + text).first else {
                return nil
            }
            return deployment.canaries
        }
        #expect(try canaries("site=lab,hw in (orin)") == .selector(try Selector("site=lab,hw in (orin)")))
        #expect(try canaries("[d101, 102]") == .devices([try DeviceID("d101"), try DeviceID("102")]))
        #expect(throws: ManifestFault.self) { try canaries("site=,=") }
        #expect(throws: ManifestFault.self) { try canaries("{selector: site=lab}") }
    }

    @Test("a name that looks like a number stays as it is written")
    func numbers() throws {
        let text = Self.deployment.replacing("version: v2", with: "version: 1.10")
        guard case .deployment(let deployment) = try #require(try read(text).first) else {
            Issue.record("it is no deployment")
            return
        }
        #expect(deployment.version.rawValue == "1.10")
    }

    @Test("what is written can be read again")
    func roundTrip() throws {
        let policy = Manifest.policy(
            Policy(name: try PolicyName("calm"), steps: [.devices(3), .percent(12.5)], onDeadline: .rollback))
        for manifest in [policy, try digits()] { #expect(try read(try Rendering.yaml(manifest)) == [manifest]) }
    }

    // MARK: - What is refused

    /// A text, the line that must be named, and a piece of what must be said.
    struct Refused: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let line: Int?
        let says: String

        init(_ title: String, _ text: String, _ line: Int?, _ says: String) {
            testDescription = title
            self.text = text
            self.line = line
            self.says = says
        }
    }

    private static let refused = [
        Refused("nothing", "", nil, "there is no document; write `kind: Deployment`"),
        Refused("comments only", "# nothing\n---\n", nil, "there is no document"),
        Refused("a list", "- a\n", 1, "a document must be a mapping"),
        Refused("no kind", "name: calm\n", 1, "kind is missing; write `kind: Policy or Deployment`"),
        Refused("another kind", "name: a\nkind: Rollout\n", 2, "kind \"Rollout\" is unknown; use Policy or Deployment"),
        Refused(
            "an unknown field", deployment + "\nversoin: v3\n", 6,
            "unknown field versoin; known here: canaries, devices, model,"),
        Refused(
            "an unknown field below spec", "kind: Policy\nname: a\nspec:\n  soakSeconds: 30\n  soak: 30\n", 5,
            "unknown field soak"),
        Refused(
            "an unknown field of a metric", "kind: Policy\nname: a\nmetrics:\n- name: failures\n  limt: 1\n", 5,
            "unknown field limt; known here: absoluteTolerance, harm, limit, mode, name, onFail, onNoData, "
                + "relativeTolerance"),
        Refused("a key twice", "kind: Policy\nname: a\nname: b\n", nil, "name is given twice; give it once"),
        Refused(
            "a field beside spec and in it", "kind: Policy\nname: a\nspec:\n  name: b\n", 4,
            "name is given beside spec and in it; give it once"),
        Refused("spec is no mapping", "kind: Policy\nname: a\nspec: [1]\n", 3, "spec must be a mapping"),
        Refused("a text for a number", "kind: Policy\nname: a\nsoakSeconds: soon\n", nil, "soakSeconds"),
        Refused("a number for a list", "kind: Policy\nname: a\nsteps: 5\n", nil, "steps"),
        Refused("a step that is none", "kind: Policy\nname: a\nsteps: [half]\n", nil, "steps[0]: a step is a share"),
        Refused("a word outside its list", "kind: Policy\nname: a\nonDeadline: promote\n", nil, "onDeadline"),
        Refused("no name", "kind: Policy\n", nil, "name is missing"),
        Refused("a name with a slash", "kind: Policy\nname: a/b\n", nil, "not a valid policy name"),
        Refused(
            "no selector", "kind: Deployment\nname: a\nmodel: m\nversion: v\n", nil,
            "selector is missing; write `selector: \"\"` for every device"),
        Refused(
            "a bad selector", "kind: Deployment\nname: a\nselector: a==b==c\nmodel: m\nversion: v\n", nil, "selector"),
        Refused(
            "a policy with a fault", "kind: Policy\nname: a\nerrorBudget: 1\n", nil, "errorBudget: use 0.0001 to 0.2"),
        Refused("no YAML", "kind: Policy\nname: [a\n", nil, "not YAML"),
        Refused("a tab", "kind: Policy\n\tname: a\n", nil, "check the indentation"),
    ]

    @Test("a fault names the file, the line and what to do", arguments: refused)
    func faults(refused: Refused) throws {
        let fault = try fault(refused.text)
        #expect(fault.file == "a.yaml")
        #expect(fault.description.contains(refused.says), "\(fault)")
        if let line = refused.line { #expect(fault.line == line) }
        #expect(fault.description.hasPrefix(fault.line.map { "a.yaml:\($0): " } ?? "a.yaml: "))
    }

    @Test("a fault in a later document counts lines from the start of the file")
    func laterDocument() throws {
        let fault = try fault("kind: Policy\nname: a\n---\nkind: Policy\nname: b\nsoak: 1\n")
        #expect(fault.line == 6)
    }

    @Test("the input is called so")
    func input() throws {
        let fault = try #require(
            #expect(throws: ManifestFault.self) { try ManifestReader(file: "-").manifests(in: "- a") })
        #expect(fault.description.hasPrefix("the input:1: "))
    }
}
