public import Fleet
import Rollouts
public import WireFormat

/// What callers can mend, each with its remedy.
extension Problem {
    static func unknownDevice(_ id: DeviceID) -> Problem {
        Problem(
            code: "unknown_device", title: "Unknown device", status: 404,
            detail: "there is no device \(id); `edgectl device list` shows the fleet, an enrolment token makes a device"
        )
    }

    static let enrolmentRefused = Problem(
        code: "enrolment_refused", title: "Enrolment refused", status: 403,
        detail: "the enrolment token is unknown, used up or expired; make a new one with `edgectl token create`")

    static func notListed(_ id: DeviceID) -> Problem {
        Problem(
            code: "not_listed", title: "Enrolment refused", status: 403,
            detail: "device \(id) and its key are not on the enrolment token's list; make a token that lists them with "
                + "`edgectl token create --approval listed`")
    }

    /// Told to a device until a person has decided.
    public static func awaitingApproval(_ id: DeviceID) -> Problem {
        Problem(
            code: DeviceStanding.Kind.awaitingApproval.rawValue, title: "Approval awaited", status: 403,
            detail: "device \(id) waits for a person's approval (`edgectl device approve \(id)`); ask again with the "
                + "same token and key after Retry-After")
    }

    static func enrolmentRejected(_ id: DeviceID, reason: String) -> Problem {
        Problem(
            code: "enrolment_rejected", title: "Enrolment rejected", status: 403,
            detail: "a person did not let device \(id) in: \(reason)")
    }

    /// Told to a device whose credential opens nothing, or not this.
    public static func barred(_ id: DeviceID, _ standing: DeviceStanding) -> Problem {
        let since = "since \(standing.since) (\(standing.reason))"
        let detail =
            switch standing.kind {
            case .awaitingApproval:
                "device \(id) has waited for approval \(since); `edgectl device approve \(id)` lets it in"
            case .approved: "device \(id) is approved \(since) and has not enrolled; use the token that it asked with"
            case .rejected:
                "device \(id) has been refused \(since); `edgectl device approve \(id)` lets it in after all"
            case .quarantined:
                "device \(id) has been in quarantine \(since) and gets no new version; "
                    + "`edgectl device approve \(id)` lets it out"
            case .revoked:
                "device \(id) has been revoked \(since), its credentials open nothing; "
                    + "`edgectl device replace \(id)` makes a token with which a board may be it again"
            case .replacing:
                "device \(id) has been given up for a new board \(since), the old one's credentials open nothing; "
                    + "enrol the new board with the token from `edgectl device replace \(id)`"
            }
        return Problem(
            code: "device_\(standing.kind.rawValue)", title: "Not allowed", status: 403, detail: detail)
    }

    /// Told to a device that comes with the bearer token that it had before its certificate.
    static func tokenLeft(_ id: DeviceID) -> Problem {
        Problem(
            code: "device_token_left", title: "Not allowed", status: 403,
            detail: "device \(id) has a certificate now, and the bearer token that it had before renews that and opens "
                + "nothing else; come with the certificate, or where its key is lost enrol the board with a token from "
                + "`edgectl device replace \(id)`")
    }

    static func deviceExists(_ id: DeviceID, retired: Bool) -> Problem {
        Problem(
            code: "device_exists", title: "Device exists", status: 409,
            detail: retired
                ? "device \(id) was retired and its id is not used again; enrol under another id"
                : "device \(id) is enrolled already; enrol under another id; `edgectl device replace \(id)` gives its "
                    + "identity to a new board"
        )
    }

    static func invalid(_ faults: [FieldFault]) -> Problem {
        Problem(
            code: "invalid", title: "Invalid declaration", status: 422,
            detail: "\(faults.count == 1 ? "a field is" : "\(faults.count) fields are") not valid", faults: faults)
    }

    static func unknown(_ noun: String, _ name: String, _ remedy: String) -> Problem {
        Problem(
            code: "unknown_\(noun.replacing(" ", with: "_"))", title: "Unknown \(noun)", status: 404,
            detail: "there is no \(noun) \(name); \(remedy)")
    }

    static func conflict(_ code: String, _ detail: String) -> Problem {
        Problem(code: code, title: "Conflict", status: 409, detail: detail)
    }

    static func refusedVersion(_ code: String, _ detail: String) -> Problem {
        Problem(code: code, title: "Version refused", status: 422, detail: detail)
    }
}
