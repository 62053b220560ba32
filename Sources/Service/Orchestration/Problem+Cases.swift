import Fleet
import Rollouts
import WireFormat

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

    static func deviceExists(_ id: DeviceID, retired: Bool) -> Problem {
        Problem(
            code: "device_exists", title: "Device exists", status: 409,
            detail: retired
                ? "device \(id) was retired and its id is not used again; enrol under another id"
                : "device \(id) is enrolled already; enrol under another id or retire it first")
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
