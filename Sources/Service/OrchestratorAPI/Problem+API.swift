import Fleet
import Orchestration
import Rollouts
import WebMessages
import WireFormat

/// What the API itself refuses, each with its remedy.
extension Problem {
    static func unknownRoute(_ path: String) -> Problem {
        Problem(
            code: "unknown_route", title: "Unknown route", status: 404, detail: "there is no \(path.clipped)",
            faults: [
                FieldFault(field: "path", remedy: "GET /openapi.yaml lists the routes; a name in a path holds no '/'")
            ])
    }

    static func methodNotAllowed(_ method: String, _ path: String, allowed: [String]) -> Problem {
        Problem(
            code: "method_not_allowed", title: "Method not allowed", status: 405,
            detail: "\(path.clipped) does not answer \(method.clipped); use \(allowed.joined(separator: ", "))")
    }

    static let credentialMissing = Problem(
        code: "credential_missing", title: "Credential missing", status: 401,
        detail: "send \"Authorization: Bearer <operator key or device token>\"")

    static let credentialUnknown = Problem(
        code: "credential_unknown", title: "Credential unknown", status: 401,
        detail: "the credential is unknown or was revoked, or another board has taken this device's place; an admin "
            + "makes an operator key with `edgectl apikey create`, a device gets a credential by enrolling")

    static func keyExpired(_ at: Timestamp) -> Problem {
        Problem(
            code: "credential_expired", title: "Credential expired", status: 401,
            detail: "the operator key ended at \(at); an admin makes another one with `edgectl apikey create`")
    }

    static func tokenRefused(_ reason: String) -> Problem {
        Problem(
            code: "token_refused", title: "Token refused", status: 401,
            detail: "the issuer's token is not believed: \(reason)")
    }

    static func noRole(_ name: String) -> Problem {
        Problem(
            code: "no_role", title: "Not allowed", status: 403,
            detail: "the issuer's token is good, and none of its claims gives \(name.clipped) a role here; whoever "
                + "runs the controller adds a rule to the file of --oidc")
    }

    static func issuerAway(_ since: Timestamp?) -> Problem {
        Problem(
            code: "issuer_unreachable", title: "Issuer unreachable", status: 503,
            detail: "the issuer's keys cannot be fetched"
                + (since.map { "; those from \($0) are too old to be believed" } ?? "")
                + "; the controller's log says why. Operators' keys work meanwhile")
    }

    static func roleNeeded(_ permission: OperatorPermission, has: String) -> Problem {
        var roles = OperatorRole.permitting(permission).map(\.rawValue)
        let last = roles.popLast() ?? ""
        let named = roles.isEmpty ? last : roles.joined(separator: ", ") + " or " + last
        return Problem(
            code: "role_needed", title: "Not allowed", status: 403,
            detail: "this needs an operator key of role \(named) and the caller is \(has)")
    }

    static func outOfScope(_ noun: String, _ scope: OperatorScope, field: String?) -> Problem {
        Problem(
            code: "out_of_scope", title: "Not allowed", status: 403,
            detail: "\(noun) is not within the scope of the caller's key (\(scope)); an admin makes a key of another "
                + "scope",
            faults: field.map { [FieldFault(field: $0, remedy: "stay within \(scope)")] } ?? [])
    }

    static let deviceNeeded = Problem(
        code: "device_needed", title: "Not allowed", status: 403,
        detail: "only the device itself may call this, with the token from its enrolment")

    static func otherDevice(_ own: DeviceID) -> Problem {
        Problem(
            code: "other_device", title: "Not allowed", status: 403,
            detail: "the token belongs to device \(own), which may act as itself only",
            faults: [FieldFault(field: "device", remedy: "use \(own) in the path")])
    }

    static func badParameter(_ name: String, _ remedy: String) -> Problem {
        Problem(
            code: "invalid_parameter", title: "Invalid parameter", status: 400, detail: "\(name) is not valid",
            faults: [FieldFault(field: name, remedy: remedy)])
    }

    static func badHeader(_ name: String, _ remedy: String) -> Problem {
        Problem(
            code: "invalid_header", title: "Invalid header field", status: 400, detail: "\(name) is not valid",
            faults: [FieldFault(field: name, remedy: remedy)])
    }

    static func bodyTooLarge(limitBytes: Int) -> Problem {
        Problem(
            code: "body_too_large", title: "Body too large", status: 413,
            detail: limitBytes == 0
                ? "this route takes no body; leave it out" : "the body may have at most \(limitBytes) bytes",
            faults: [FieldFault(field: "body", remedy: "send at most \(limitBytes) bytes")])
    }

    static func wrongContentType(_ got: String?, wanted: String) -> Problem {
        Problem(
            code: "wrong_content_type", title: "Wrong content type", status: 415,
            detail: "the body is \(got.map { "\"\($0.clipped)\"" } ?? "of no stated type")",
            faults: [FieldFault(field: "Content-Type", remedy: "send \"Content-Type: \(wanted)\"")])
    }

    static func badBody(_ detail: String, remedy: String) -> Problem {
        Problem(
            code: "invalid_json", title: "Invalid JSON", status: 400, detail: detail,
            faults: [FieldFault(field: "body", remedy: remedy)])
    }

    static func badFields(_ faults: [FieldFault]) -> Problem {
        Problem(
            code: "invalid_fields", title: "Invalid fields", status: 422,
            detail: faults.count == 1 ? "a field is not valid" : "\(faults.count) fields are not valid", faults: faults)
    }

    static func preconditionFailed(_ noun: String, remedy: String) -> Problem {
        Problem(code: "precondition_failed", title: "Precondition failed", status: 412, detail: "\(noun); \(remedy)")
    }

    static let idempotencyKeyReused = Problem(
        code: "idempotency_key_reused", title: "Idempotency key reused", status: 422,
        detail: "this key was sent with another request before",
        faults: [FieldFault(field: "Idempotency-Key", remedy: "use a new key for each request, e.g. a UUID")])

    static let idempotencyKeyBusy = Problem(
        code: "idempotency_key_busy", title: "Request in progress", status: 409,
        detail: "a request with this key is being carried out; send it again in a second")

    static let idempotencyKeyRefused = Problem(
        code: "idempotency_key_refused", title: "Idempotency key not supported here", status: 400,
        detail: "the reply holds a secret that is never stored, so it cannot be repeated",
        faults: [FieldFault(field: "Idempotency-Key", remedy: "leave it out; revoke what a lost reply left behind")])

    static let overloaded = Problem(
        code: "overloaded", title: "Overloaded", status: 503,
        detail: "too many requests are waiting for a worker; send it again in a second")

    static func tooManyCalls(afterSeconds seconds: Double) -> Problem {
        var problem = Problem(
            code: "too_many_calls", title: "Too many calls", status: 429,
            detail: "this credential called more often than an operator may (--operator-calls-per-second); "
                + "send it again after Retry-After")
        problem.retryAfterSeconds = seconds
        return problem
    }

    static let tokenBegetsToken = Problem(
        code: "token_from_token", title: "Not allowed", status: 403,
        detail: "a signed token gets no other token; use the credential from the device's enrolment")

    static let certificateUnknown = Problem(
        code: "certificate_unknown", title: "Unknown certificate", status: 401,
        detail: "the client certificate belongs to no device of this fleet, or to a retired one; enrol the device")

    static let certificateExpired = Problem(
        code: "certificate_expired", title: "Certificate ended", status: 401,
        detail: "the device's certificate has ended: renew it by POST /v1/devices/{device}/certificate, which takes it")

    static let noCertificateAuthority = Problem(
        code: "no_certificate_authority", title: "No certificate authority", status: 404,
        detail: "this controller has no certificate authority of its own; `edge-controller certify` makes one")

    static let failed = Problem(
        code: "unavailable", title: "Unavailable", status: 503,
        detail: "the controller could not carry this out; its log says why; send it again in some seconds")

    static func store(_ fault: StoreFault) -> Problem {
        Problem(
            code: "store_\(fault.rawValue)", title: "Unavailable", status: 503,
            detail: "\(fault.sentence); nothing that was acknowledged is lost; send it again in some seconds")
    }

    static func unready(_ reason: String) -> Problem {
        Problem(code: "unready", title: "Not ready", status: 503, detail: reason)
    }
}

extension Problem {
    /// Whether the store stands behind it, which needs longer than a worker that is busy.
    fileprivate var isOfStore: Bool { code == Problem.failed.code || code.hasPrefix("store_") }

    /// The problem as JSON.
    fileprivate var text: [UInt8] {
        do {
            return try JSONText.encode(self)
        } catch {
            // Texts and a status always encode; were that to change, the status alone still says what matters.
            return Array(#"{"type":"about:blank","status":\#(status)}"#.utf8)
        }
    }
}

extension String {
    /// At most 80 characters of a text that came from outside.
    var clipped: String { count > 80 ? prefix(80) + "…" : self }
}

extension WebResponse {
    /// A problem as a response (RFC 9457), with the header fields its status asks for.
    static func problem(_ problem: Problem) -> WebResponse {
        var headers = [(name: "Content-Type", value: "application/problem+json")]
        switch problem.status {
        case 401:
            let error = problem.code != Problem.credentialMissing.code ? ", error=\"invalid_token\"" : ""
            headers.append((name: "WWW-Authenticate", value: "Bearer realm=\"edge-orchestrator\"\(error)"))
        case 429:
            headers.append((name: "Retry-After", value: "\(Int((problem.retryAfterSeconds ?? 1).rounded(.up)))"))
        case 503:
            headers.append((name: "Retry-After", value: problem.isOfStore ? "5" : "1"))
        case 403 where problem.code == DeviceStanding.Kind.awaitingApproval.rawValue:
            headers.append((name: "Retry-After", value: "\(Int(Problem.approvalRetrySeconds))"))
        case 409 where problem.code == Problem.idempotencyKeyBusy.code:
            headers.append((name: "Retry-After", value: "1"))
        default: break
        }
        return WebResponse(status: problem.status, headers: headers, body: .bytes(problem.text))
    }
}
