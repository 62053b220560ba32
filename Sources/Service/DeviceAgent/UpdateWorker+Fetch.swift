import DeviceUpdates
import Fleet
import ModelTrust
import WireFormat

/// Steps 1 to 3: check, download, verify.
extension UpdateWorker {
    /// Step 1: the assignment still holds, the version may be tried, is signed, and there is room for it.
    func check(_ attempt: Attempt) throws -> UpdateEvent {
        detail = nil
        output = []
        plan = FetchPlan()
        let claims = try storedClaims(attempt)
        if attempt.path == .install {
            guard try !quarantine.holds(attempt.to, assignment: claims.retry) else {
                throw StepFault.failed(
                    .quarantined,
                    "version \(attempt.to.short) failed here and was not ordered on purpose since; "
                        + "`edgectl device retry` does that")
            }
        }
        let local = try store.local()
        var wanted: [Digest] = []
        if attempt.path != .restore, !local.sealed.contains(attempt.to) { wanted.append(attempt.to) }
        if let fallback = attempt.fallback, fallback != attempt.to, !local.sealed.contains(fallback),
            try !quarantine.holds(fallback)
        {
            wanted.append(fallback)
        }
        if !wanted.isEmpty {
            try requireFresh(claims)
            try followKeySets()
            for digest in wanted { plan.items.append(try describe(digest)) }
            try requireSpace()
        }
        services.killSwitch.reached(.checkAfter)
        return .stepDone
    }

    /// Step 2: every file of the plan is in the store.
    func download(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.downloadBefore)
        let downloader = downloader
        for item in plan.items { transferredBytes += try downloader.fetch(item.files) }
        services.killSwitch.reached(.downloadAfter)
        return .stepDone
    }

    private var downloader: Downloader {
        Downloader(
            services: services, tries: settings.fetchTries, window: settings.downloadWindow,
            isInterrupted: { [unowned self] in isInterrupted })
    }

    /// Step 3: every version of the plan is linked, checked as a whole and sealed; so is one that was there before.
    func verify(_ attempt: Attempt) throws -> UpdateEvent {
        services.killSwitch.reached(.verifyBefore)
        do {
            for item in plan.items {
                try store.seal(item.digest, bundle: item.bundle, blobs: item.blobs, killSwitch: services.killSwitch)
            }
            let verified = try store.verify(attempt.to)
            try verified.require(
                model: settings.model, version: try storedClaims(attempt).run?.version, digest: attempt.to)
            try requireNotWithdrawn(attempt.to)
            try requireCompatible(verified.manifest.compatibility)
        } catch let refusal as ArtifactRefusal {
            throw StepFault(refusal)
        }
        services.killSwitch.reached(.verifyAfter)
        return .stepDone
    }

    /// The assignment of the attempt, read again from the device and checked again.
    private func storedClaims(_ attempt: Attempt) throws -> AssignmentClaims {
        guard let bytes = try services.files.read(StateLayout.assignment) else {
            throw StepFault.failed(.assignmentInvalid, "the stored assignment is missing")
        }
        do {
            let claims = try services.verifier.claims(in: String(decoding: bytes, as: UTF8.self))
            guard claims.number == attempt.assignment, claims.run?.digest == attempt.to else {
                throw StepFault.failed(.assignmentInvalid, "the stored assignment is another one")
            }
            updatingSeconds = min(Double(claims.updatingSeconds), Self.updatingSecondsLimit)
            return claims
        } catch let refusal as AssignmentRefusal {
            throw StepFault.failed(.assignmentInvalid, "\(refusal)")
        }
    }

    private func requireFresh(_ claims: AssignmentClaims) throws {
        do {
            try claims.requireFresh(now: services.clock.now.milliseconds / 1000)
        } catch {
            throw StepFault.failed(.assignmentExpired, "\(error)")
        }
    }

    /// What the controller says of a version, as far as its publisher signed it.
    private func describe(_ digest: Digest) throws -> FetchPlan.Item {
        let controller = services.controller
        let resource = try downloader.patiently("version \(digest.short)") { try controller.version(digest) }
        let bundle = Array(resource.bundle.utf8)
        let authentic: AuthenticVersion
        do {
            authentic = try services.verifier.authenticate(bundle: bundle)
        } catch {
            throw StepFault(error)
        }
        guard authentic.digest == digest else {
            throw StepFault.failed(
                .versionMismatch, "the signed version is \(authentic.digest.short), assigned is \(digest.short)")
        }
        let sizes = Dictionary(resource.files.map { ($0.digest, $0.sizeBytes) }, uniquingKeysWith: max)
        let files = try authentic.statement.files.map { file in
            guard let sizeBytes = sizes[file.digest] else {
                throw StepFault.failed(.versionMismatch, "the controller does not offer the signed file \(file.path)")
            }
            return VersionFile(path: file.path.rawValue, digest: file.digest, sizeBytes: sizeBytes)
        }
        return FetchPlan.Item(digest: digest, bundle: bundle, blobs: authentic.statement.files, files: files)
    }

    private func requireSpace() throws {
        var needed: UInt64 = 0
        for file in plan.items.flatMap(\.files) where try services.files.facts(StateLayout.blob(file.digest)) == nil {
            let have = try services.files.facts(StateLayout.part(file.digest))?.sizeBytes ?? 0
            needed += file.sizeBytes > have ? file.sizeBytes - have : 0
        }
        let free = try services.files.freeBytes()
        guard needed + settings.reserveBytes <= free else {
            throw StepFault.failed(
                .diskFull,
                "the version needs \(needed) bytes and \(settings.reserveBytes) must stay free; \(free) are free")
        }
    }

    private func requireCompatible(_ needs: EdgeVersionManifest.Compatibility) throws {
        if let arch = needs.arch, !settings.architecture.isEmpty, arch != settings.architecture {
            throw StepFault.failed(
                .incompatible, "the version needs \(arch), and this device is \(settings.architecture)")
        }
    }
}
