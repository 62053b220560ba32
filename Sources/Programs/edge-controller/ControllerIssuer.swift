import Cryptography
import CurlClient
import Foundation
import ModelTrust
import Orchestration

/// The OpenID issuer of operators' tokens, as the file of `--oidc` names it.
enum ControllerIssuer {
    /// The most bytes of its documents.
    static let documentLimitBytes = 256 << 10

    /// Makes the issuer of what the file holds.
    ///
    /// - Throws: ``StartFailure`` with everything that is wrong with it.
    static func issuer(
        _ text: Data, of path: String, log: any OrchestratorLog
    ) throws -> OpenIDIssuer<TokenVerificationKey> {
        let configuration: OpenIDConfiguration
        var faults: [String] = []
        do {
            let document = try JSONValue(parsing: Array(text))
            faults = OpenIDConfiguration.unknownMembers(in: document).map { "\($0): there is no such field" }
            configuration = try JSONDecoder().decode(OpenIDConfiguration.self, from: text)
        } catch let fault as DecodingError {
            throw StartFailure("--oidc \(path): " + sentence(fault))
        } catch {
            throw StartFailure("--oidc \(path): \(error)")
        }
        faults += configuration.faults
        guard faults.isEmpty else { throw StartFailure("--oidc \(path): " + faults.joined(separator: "; ")) }
        let client = CurlClient()
        return OpenIDIssuer(configuration, log: log) { try keys(of: configuration, by: client) }
    }

    /// The field that cannot be read, and why.
    private static func sentence(_ fault: DecodingError) -> String {
        func named(_ path: [any CodingKey], _ reason: String) -> String {
            path.map(\.stringValue).joined(separator: ".") + ": " + reason
        }
        return switch fault {
        case .keyNotFound(let key, let context): named(context.codingPath + [key], "this field is missing")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            named(context.codingPath, context.debugDescription)
        @unknown default: "\(fault)"
        }
    }

    /// Fetches the keys from where the discovery document says (OpenID Connect Discovery 1.0, section 4).
    private static func keys(
        of configuration: OpenIDConfiguration, by client: CurlClient
    ) throws -> [TokenVerificationKey] {
        let base = configuration.issuer.hasSuffix("/") ? String(configuration.issuer.dropLast()) : configuration.issuer
        let place = base + "/.well-known/openid-configuration"
        guard case .object(let members) = try JSONValue(parsing: try document(place, configuration, client)),
            members["issuer"] == .string(configuration.issuer)
        else { throw StartFailure("\(place) names another issuer than \(configuration.issuer)") }
        // Keys come by HTTPS too, unless the issuer itself is on this machine.
        guard case .string(let keysPlace)? = members["jwks_uri"],
            keysPlace.hasPrefix("https://") || configuration.issuer.hasPrefix("http://")
        else { throw StartFailure("\(place) names no https jwks_uri") }
        let set = try TokenKeySet(
            parsing: try document(keysPlace, configuration, client), algorithms: [.rs256, .es256])
        guard !set.keys.isEmpty else {
            let faults = set.faults.prefix(3).map(\.description).joined(separator: "; ")
            throw StartFailure("\(keysPlace) has no key for RS256 or ES256 \(faults)")
        }
        return try set.keys.prefix(100).map { try TokenVerificationKey($0) }
    }

    private static func document(
        _ place: String, _ configuration: OpenIDConfiguration, _ client: CurlClient
    ) throws -> [UInt8] {
        var request = CurlRequest(url: place, headers: [(name: "Accept", value: "application/json")])
        request.timeoutSeconds = 5
        request.connectTimeoutSeconds = 3
        request.maxResponseBytes = documentLimitBytes
        request.tls = CurlTLS(caFile: configuration.caFile)
        let response = try client.send(request)
        guard response.status == 200 else { throw StartFailure("\(place) answers \(response.status)") }
        return response.body
    }
}
