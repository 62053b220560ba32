import Fleet
import Foundation
import Orchestration
import Rollouts
import WebMessages
import WireFormat

/// Policies and deployments: declared whole, by name.
enum DeclarationRoutes {
    static let all: [Route] = [
        Route("GET", "/v1/policies", .person(.read, within: .free), query: ["after", "limit"], .blocking(policies)),
        Route("GET", "/v1/policies/{policy}", .person(.read, within: .free), .blocking(policy)),
        Route(
            "PUT", "/v1/policies/{policy}", .person(.release, within: .policy), body: .declaration, query: ["dryRun"],
            .blocking(applyPolicy)),
        Route("DELETE", "/v1/policies/{policy}", .person(.release, within: .policy), .blocking(removePolicy)),
        Route(
            "GET", "/v1/deployments", .person(.read, within: .action), query: ["after", "limit"],
            .blocking(deployments)),
        Route("GET", "/v1/deployments/{deployment}", .person(.read, within: .deployment), .blocking(deployment)),
        Route(
            "PUT", "/v1/deployments/{deployment}", .person(.release, within: .action), body: .declaration,
            query: ["dryRun"],
            .blocking(applyDeployment)),
        Route(
            "DELETE", "/v1/deployments/{deployment}", .person(.release, within: .deployment),
            .blocking(removeDeployment)),
    ]

    // MARK: - Policies

    private static func policies(_ call: Call) throws -> WebResponse {
        try .json(try Page.of(call.operations.policies(), call, key: \.name.rawValue))
    }

    private static func policy(_ call: Call) throws -> WebResponse {
        try call.tagged(try call.operations.policy(try call.name("policy")))
    }

    private static func applyPolicy(_ call: Call) throws -> WebResponse {
        let name: PolicyName = try call.name("policy")
        let policy = try call.body(Policy.self, named: ("name", name.rawValue))
        return try call.apply { isDryRun in
            try call.checkPreconditions { try call.operations.policy(name) }
            return try call.operations.apply(policy, dryRun: isDryRun, by: try call.authenticated())
        }
    }

    private static func removePolicy(_ call: Call) throws -> WebResponse {
        let name: PolicyName = try call.name("policy")
        return try call.changingDeclarations {
            try call.checkPreconditions { try call.operations.policy(name) }
            try call.operations.removePolicy(name, by: try call.authenticated())
            return .noContent
        }
    }

    // MARK: - Deployments

    private static func deployments(_ call: Call) throws -> WebResponse {
        let scope = try call.authenticated().scope
        let deployments = call.operations.deployments().filter { scope.includes(model: $0.model, on: $0.selector) }
        return try .json(try Page.of(deployments, call, key: \.name.rawValue))
    }

    private static func deployment(_ call: Call) throws -> WebResponse {
        try call.tagged(try call.operations.deployment(try call.name("deployment")))
    }

    private static func applyDeployment(_ call: Call) throws -> WebResponse {
        let name: DeploymentName = try call.name("deployment")
        let deployment = try call.body(Deployment.self, named: ("name", name.rawValue))
        try call.requireScope(of: deployment)
        return try call.apply { isDryRun in
            // What is there already may be somebody else's.
            if call.operations.deployments().contains(where: { $0.name == name }) {
                try call.requireScope(includes: .deployment(name), "deployment \(name)")
            }
            try call.checkPreconditions { try call.operations.deployment(name) }
            return try call.operations.apply(deployment, dryRun: isDryRun, by: try call.authenticated())
        }
    }

    private static func removeDeployment(_ call: Call) throws -> WebResponse {
        let name: DeploymentName = try call.name("deployment")
        return try call.changingDeclarations {
            try call.checkPreconditions { try call.operations.deployment(name) }
            try call.operations.removeDeployment(name, by: try call.authenticated())
            return .noContent
        }
    }
}

extension Call {
    /// A declaration with its entity tag, or 304 where the caller has it.
    fileprivate func tagged(_ value: some Encodable) throws -> WebResponse {
        let tag = try tag(of: value)
        return tag.isKnown(to: request) ? tag.notModified : try .json(value, headers: [tag.header])
    }

    /// Applies a declaration: 201 where it is new.
    fileprivate func apply<Resource: Codable & Hashable & Sendable>(
        _ change: (_ isDryRun: Bool) throws -> ApplyResult<Resource>
    ) throws -> WebResponse {
        let isDryRun = try queryFlag("dryRun") ?? false
        return try changingDeclarations {
            let result = try change(isDryRun)
            let tag = try tag(of: result.resource)
            return try .json(
                result, status: result.change == .created && !isDryRun ? 201 : 200,
                headers: isDryRun ? [] : [tag.header])
        }
    }

    /// Changes take turns, so that what `If-Match` was checked against is what is changed.
    fileprivate func changingDeclarations(_ change: () throws -> WebResponse) rethrows -> WebResponse {
        try api.declarations.withLock(change)
    }

    /// Checks `If-Match` and `If-None-Match` against what is there now.
    fileprivate func checkPreconditions(_ current: () throws -> some Encodable) throws {
        guard request.header("if-match") != nil || request.header("if-none-match") != nil else { return }
        var tag: EntityTag?
        do {
            tag = try self.tag(of: try current())
        } catch let problem as Problem where problem.status == 404 {
            // Nothing is there: a condition that is met by `If-None-Match: *`.
        }
        try request.checkPreconditions(current: tag)
    }

    private func tag(of value: some Encodable) throws -> EntityTag {
        EntityTag(json: try JSONText.encode(value), digest: api.surroundings.digest)
    }
}
