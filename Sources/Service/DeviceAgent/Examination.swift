import DeviceUpdates
public import Fleet

/// One thing that `edge-agent doctor` looked at.
public struct Finding: Codable, Hashable, Sendable {
    /// How it stands.
    public enum Level: String, Codable, CaseIterable, Hashable, Sendable {
        /// As it should be.
        case fine = "OK"
        /// It works, and somebody should look.
        case warning = "WARN"
        /// It does not work.
        case failure = "FAIL"
    }

    /// What was looked at: a stable word.
    public let check: String
    /// How it stands.
    public let level: Level
    /// What was seen.
    public let seen: String
    /// What to do; empty where there is nothing to do.
    public let advice: String

    /// Notes what is as it should be.
    public static func fine(_ check: String, _ seen: String) -> Finding {
        Finding(check: check, level: .fine, seen: seen, advice: "")
    }

    /// Notes what somebody should look at.
    public static func warning(_ check: String, _ seen: String, advice: String) -> Finding {
        Finding(check: check, level: .warning, seen: seen, advice: advice)
    }

    /// Notes what does not work.
    public static func failure(_ check: String, _ seen: String, advice: String) -> Finding {
        Finding(check: check, level: .failure, seen: seen, advice: advice)
    }
}

/// Judges what was found out about a device; what is found out, and how, is for the program.
public enum Examination {
    /// A clock that is off by more is worth a look, and by more than the second keeps a device from working, seconds.
    static let clockBounds = (warning: 30.0, failure: 300.0)
    /// More reports that wait are worth a look.
    static let waitingReportsLimit = 100

    /// The clock, compared with the controller's and with the last contact.
    ///
    /// - Parameters:
    ///   - controller: what the controller's clock said; nil where it was not asked.
    ///   - lastContact: when the controller answered last, by this clock; nil for never.
    public static func clock(now: Timestamp, controller: Timestamp?, lastContact: Timestamp?) -> Finding {
        let advice = "set the clock, and keep it by NTP: certificates and assignments hold for a time"
        if let lastContact, lastContact.seconds(since: now) > clockBounds.warning {
            let behind = Int(lastContact.seconds(since: now))
            return .failure("clock", "it is \(behind) s before the last contact with the controller", advice: advice)
        }
        guard let controller else { return .fine("clock", "not before the last contact; no other clock to compare") }
        let off = now.seconds(since: controller)
        let seen = "\(Int(abs(off).rounded())) s \(off < 0 ? "behind" : "before") the controller's"
        if abs(off) > clockBounds.failure { return .failure("clock", seen, advice: advice) }
        return abs(off) > clockBounds.warning ? .warning("clock", seen, advice: advice) : .fine("clock", seen)
    }

    /// Room on the disk.
    ///
    /// - Parameter versionBytes: the size of the version that serves, as a measure of the next one.
    public static func disk(freeBytes: UInt64, reserveBytes: UInt64, versionBytes: UInt64) -> Finding {
        let seen = "\(freeBytes >> 20) MiB free, \(reserveBytes >> 20) MiB must stay free"
        guard freeBytes >= reserveBytes else {
            return .failure("disk", seen, advice: "make room: no update can begin (--reserve-mib)")
        }
        guard freeBytes - reserveBytes >= versionBytes else {
            return .warning(
                "disk", seen,
                advice: "make room: a version as large as the one that serves (\(versionBytes >> 20) MiB) does not fit")
        }
        return .fine("disk", seen)
    }

    /// The device's certificate.
    public static func certificate(_ schedule: CertificateSchedule, now: Timestamp) -> Finding {
        let days = schedule.expiresAt.seconds(since: now) / 86_400
        guard days > 0 else {
            return .failure(
                "certificate", "it ended \(Int(-days)) days ago",
                advice: "start the agent: the controller takes an ended certificate for its renewal alone; where that "
                    + "is refused, enrol the device anew (`edgectl device replace`)")
        }
        let seen = "it holds for \(Int(days)) days more"
        guard now < schedule.renewal(chance: 1) else {
            return .warning(
                "certificate", seen,
                advice: "it should have been renewed: see certificate_not_renewed in the agent's log")
        }
        return now < schedule.startsAt
            ? .failure("certificate", "it does not hold yet", advice: "set the clock") : .fine("certificate", seen)
    }

    /// The update's state, against what is on the disk.
    ///
    /// - Parameters:
    ///   - isWhole: whether a version is sealed and has the signed bytes.
    ///   - isRunning: whether an agent runs on the state directory.
    public static func slot(
        _ slot: AgentState, isRunning: Bool, isWhole: (Digest) throws -> Bool
    ) rethrows -> [Finding] {
        var findings: [Finding] = []
        for (name, digest) in [("current", slot.local.current), ("lkg", slot.local.lastKnownGood)] {
            findings.append(try version(name, digest, slot, isWhole))
        }
        findings.append(state(slot, isRunning: isRunning))
        if slot.waitingReports > waitingReportsLimit {
            findings.append(
                .warning(
                    "reports", "\(slot.waitingReports) wait for the controller",
                    advice: "see reports_not_sent in the agent's log; none is lost"))
        } else {
            findings.append(.fine("reports", "\(slot.waitingReports) wait for the controller"))
        }
        return findings
    }

    private static func version(
        _ name: String, _ digest: Digest?, _ slot: AgentState, _ isWhole: (Digest) throws -> Bool
    ) rethrows -> Finding {
        guard let digest else {
            return .warning(name, "there is none", advice: "order a version: `edgectl deploy`")
        }
        guard try isWhole(digest) else {
            return .failure(
                name, "version \(digest.short) is not sealed, or its bytes are not the signed ones",
                advice: name == "current"
                    ? "restart the agent: it returns to the last known good, or order another version"
                    : "order a version with another fallback; check the disk (dmesg, smartctl)")
        }
        if name == "current", slot.quarantined.contains(digest.hex) {
            return .failure(
                name, "version \(digest.short) failed here, and serves",
                advice: "`edge-agent rollback`, or order another version")
        }
        return .fine(name, "version \(digest.short) is sealed and whole")
    }

    private static func state(_ slot: AgentState, isRunning: Bool) -> Finding {
        switch slot.journal.state {
        case .idle:
            return .fine("update", "nothing is under way; assignment \(slot.journal.accepted)")
        case .safe:
            return .failure(
                "update", "even the return to the last known good failed; the device waits for an assignment",
                advice: "see step_failed in the agent's log, mend the runtime or the disk, and order a version")
        case .checking, .downloading, .verifying, .backingUp, .deploying, .smokeTesting, .onProbation, .rollingBack,
            .ending:
            let step = slot.journal.state.step?.rawValue ?? ""
            return isRunning
                ? .fine("update", "step \(step) of assignment \(slot.journal.accepted)")
                : .warning(
                    "update", "step \(step) of assignment \(slot.journal.accepted), and no agent runs",
                    advice: "start the agent: it goes on from there")
        }
    }
}
