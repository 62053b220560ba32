import DeviceUpdates
import Fleet
import ModelTrust

/// Steps 4 to 6 and the way back: backup, deploy, smoke test, probation, rollback.
extension UpdateWorker {
    /// How long the announcement may take to get out before the runtime is disturbed anyway, seconds.
    static let announcementSeconds = 0.5

    /// Step 4: `lkg` is what the assignment names, sealed and hashed again.
    func backUp(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.backupBefore)
        var local = try store.local()
        if let fallback = attempt.fallback, fallback != local.lastKnownGood, try quarantine.holds(fallback) {
            // What failed here is no version to return to, whoever names it.
            local.sealed.remove(fallback)
        }
        let backup = attempt.lastKnownGoodBeforeSwap(local)
        if let backup {
            guard try store.isWhole(backup) else {
                throw StepFault.failed(.backupMissing, "the version to return to, \(backup.short), is not whole")
            }
            try pin(backup)
        }
        services.killSwitch.reached(.backupAfter)
        return .backedUp(backup)
    }

    /// Step 5: `current` is the new version, and the runtime serves it.
    func deploy(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.deployBefore)
        announce()
        let isAfresh = attempt.path == .reinstall
        try activate(attempt.to, afresh: isAfresh)
        services.killSwitch.reached(.deploySwapped)
        try serve(attempt.to, afresh: isAfresh)
        services.killSwitch.reached(.deployAfter)
        return .stepDone
    }

    /// Step 6: golden inputs, then health.
    func smokeTest(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.smokeBefore)
        if runtime.condition.serving != attempt.to || !runtime.condition.isHealthy {
            announce()
            try serve(attempt.to)
        }
        if let golden = try golden(of: attempt.to) {
            do {
                let (runtime, sensors) = (runtime, services.sensors)
                let held = { runtime.condition.process.flatMap { sensors.residentBytes(of: $0) } }
                try SmokeTest(probe: services.probe, clock: services.clock, residentBytes: held).run(golden)
            } catch {
                throw StepFault.failed(.smokeFailed, "\(error)")
            }
        }
        guard runtime.condition.isHealthy else {
            throw StepFault.failed(.runtimeUnhealthy, "the runtime is not healthy after the smoke test")
        }
        services.killSwitch.reached(.smokeAfter)
        return .stepDone
    }

    /// Step 6, on real traffic: crashes and health only.
    func observe(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.probationBefore)
        status.change { $0.updatingUntil = nil }
        status.heartbeatBell.ring()
        let end = services.clock.uptimeSeconds + Double(attempt.probationSeconds)
        // A start of the agent may have just ordered the runtime; it gets its time to come up.
        var healthyBy = services.clock.uptimeSeconds + settings.runtime.startSeconds
        while services.clock.uptimeSeconds < end || !runtime.condition.isHealthy {
            if isInterrupted { throw StepFault.interrupted }
            if runtime.takeInstability() { return .runtimeUnstable(try store.local()) }
            if let request = try ReturnRequest.waiting(in: services.files) {
                detail = Self.detail(of: request)
                return .returnOrdered(try store.local())
            }
            if runtime.condition.isHealthy {
                healthyBy = services.clock.uptimeSeconds + settings.runtime.startSeconds
            } else if services.clock.uptimeSeconds > healthyBy {
                throw StepFault.failed(.runtimeUnhealthy, "the runtime was unhealthy during probation")
            }
            services.clock.pause(seconds: min(0.1, max(0.01, end - services.clock.uptimeSeconds)))
        }
        services.killSwitch.reached(.probationAfter)
        return .stepDone
    }

    /// The way back: quarantine first, so that no power cut lets the version in again; then the swap.
    func restore(_ attempt: Attempt, target: Digest?) throws -> UpdateEvent {
        services.killSwitch.reached(.rollbackBefore)
        if case .rollingBack(_, let failure, _) = machine.state, failure.reason.blamesVersion, target != attempt.to {
            shutOut(attempt, failure.reason)
        }
        announce()
        if let target, try !store.isWhole(target) {
            throw StepFault.failed(.rollbackFailed, "the version to return to, \(target.short), is not whole")
        }
        try activate(target)
        services.killSwitch.reached(.rollbackSwapped)
        if let fault = runtime.serve(target) {
            throw StepFault.failed(.rollbackFailed, "the version to return to does not serve: \(fault.rawValue)")
        }
        status.heartbeatBell.ring()
        services.killSwitch.reached(.rollbackAfter)
        return .stepDone
    }

    /// Quarantines the version; a disk that refuses does not keep the device from returning.
    private func shutOut(_ attempt: Attempt, _ reason: FailureReason) {
        do {
            try quarantine.add(attempt.to, assignment: attempt.assignment, reason: reason)
        } catch {
            services.log.error("quarantine_not_stored", ["version": attempt.to.short, "error": "\(error)"])
        }
    }

    /// Tells the controller that silence is to be expected, before the runtime is disturbed.
    private func announce() {
        let until = services.clock.now.adding(seconds: updatingSeconds)
        let isNew = status.snapshot.updatingUntil == nil
        status.change { $0.updatingUntil = until }
        guard isNew else { return }
        status.announcementBell.wait(seconds: 0)
        status.heartbeatBell.ring()
        status.announcementBell.wait(seconds: Self.announcementSeconds)
    }

    private func serve(_ digest: Digest, afresh: Bool = false) throws {
        let fault = afresh ? runtime.serveAfresh(digest) : runtime.serve(digest)
        status.heartbeatBell.ring()
        if status.isStopping { throw StepFault.interrupted }
        if let fault { throw StepFault.failed(fault, "the runtime does not serve \(digest.short)") }
    }

    /// The version's golden inputs; nil where it has none.
    private func golden(of digest: Digest) throws -> GoldenCases? {
        let directory = layout.version(digest)
        let manifest = try services.files.read("\(directory)/\(ArtifactPath.manifest)")
            .map { try EdgeVersionManifest(parsing: $0) }
        let path = manifest?.smokeTest?.goldenInputs.rawValue ?? "golden.json"
        guard let bytes = try services.files.read("\(directory)/\(path)") else { return nil }
        do {
            return try GoldenCases(parsing: bytes, manifest: manifest?.smokeTest)
        } catch {
            throw StepFault.failed(.smokeFailed, "\(error)")
        }
    }
}
