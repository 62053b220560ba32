internal import Cryptography
internal import CurlClient
internal import Fleet
internal import ModelTrust
internal import Rollouts
internal import WireFormat

extension Orchestrator {
    /// Signs a model, uploads it and rolls it out.
    ///
    /// The first version of a deployment goes to all of its devices at once. Every later one is judged: in steps, or
    /// one device at a time where no test can serve so few (what is decided there is labelled "not proven").
    ///
    /// - Parameters:
    ///   - path: the model's file, or a directory with everything the version holds; it stays as it is.
    ///   - targetDevices: the devices by name; nil for every device, or those that the options select.
    ///   - strategy: in steps, or in a single one.
    ///   - percent: the first step in percent of the devices, rounded up to at least one; the policy's steps by
    ///     default.
    ///   - options: names and keys, where the defaults do not serve.
    /// - Returns: as soon as the rollout is declared; it tells how it goes and how it ended.
    /// - Throws: ``OrchestratorError``, ``VersionSourceError``, and `InvalidName` for a name that is none.
    public func deployModel(
        path: String, targetDevices: [String]? = nil, strategy: RolloutStrategy = .gradual, percent: Double? = nil,
        options: ModelOptions = ModelOptions()
    ) async throws -> ModelDeployment {
        let plan = DeploymentPlan(
            path: path, targetDevices: targetDevices, strategy: strategy, percent: percent, options: options)
        return try await Blocking.run { _ in try plan.carryOut(with: self) }
    }

    /// Sends one device back to an earlier version of a model; it keeps that until a later one is promoted.
    ///
    /// The version is on the device already, or is fetched. A device that a rollout has just told to run its new
    /// version can return to the one it came from only; `edgectl rollout rollback` takes a whole rollout back.
    ///
    /// - Throws: ``OrchestratorError``, and `InvalidName` for a name that is none.
    public func rollbackModel(
        deviceID: String, modelName: String, targetVersion: String, reason: String = "rolled back by the client library"
    ) async throws {
        let device = try DeviceID(deviceID)
        let model = try ModelName(modelName)
        let version = try VersionName(targetVersion)
        _ = try await Blocking.run { _ in try self.rollBack(device, model: model, to: version, reason: reason) }
    }
}

/// What is to be deployed, as it was asked for.
private struct DeploymentPlan: Sendable {
    let path: String
    let targetDevices: [String]?
    let strategy: RolloutStrategy
    let percent: Double?
    let options: ModelOptions

    func carryOut(with controller: Orchestrator) throws -> ModelDeployment {
        if let percent, !(percent > 0 && percent <= 100) {
            throw VersionSourceError.invalid("percent is \(percent); it must be above 0 and at most 100")
        }
        let devices = try targetDevices?.map { try DeviceID($0) }
        if devices?.isEmpty == true {
            throw VersionSourceError.invalid("targetDevices names nobody; name a device, or leave it out for all")
        }
        let file = try ModelFile(path: path)
        let model = try ModelName(options.model ?? file.model)
        let version = try VersionName(options.version ?? file.version)
        let name = try deploymentName(of: model, on: devices, controller)
        let before = try existing(name, controller)
        let published = try publish(as: version, of: model, with: controller)
        var deployment = Deployment(
            name: name, selector: try options.selector.map { try Selector($0) } ?? before?.selector ?? .everything,
            devices: devices ?? before?.devices, model: model, version: version, policy: before?.policy,
            placebo: before?.placebo, canaries: before?.canaries)
        if let steps = try steps(of: deployment, controller) {
            deployment.policy = steps.name
            deployment.canaries = nil
            _ = try controller.apply(steps)
        }
        let result = try controller.apply(deployment)
        return ModelDeployment(
            model: model.rawValue, version: version.rawValue, digest: published.digest.hex,
            deployment: name.rawValue, rollout: result.rollout, warnings: result.warnings, orchestrator: controller)
    }

    private func publish(
        as version: VersionName, of model: ModelName, with controller: Orchestrator
    ) throws -> VersionResource {
        let key = try SigningKeyFile.read(options.signingKey)
        var source = VersionSource(model: model, version: version, path: path)
        source.entry = options.entry
        source.golden = options.golden
        source.metadata = options.metadata
        return try TemporaryDirectory.with { directory in
            try source.stage(in: directory, counter: try controller.nextReleaseCounter(for: version, of: model))
            let prepared = try PreparedVersion(signing: directory, with: key)
            _ = try controller.makeKnown(key.publicKey)
            return try controller.publish(prepared, as: version, of: model)
        }
    }

    /// The deployment of the model that names just these devices, or a name for a new one.
    private func deploymentName(
        of model: ModelName, on devices: [DeviceID]?, _ controller: Orchestrator
    ) throws -> DeploymentName {
        if let given = options.deployment { return try DeploymentName(given) }
        guard let devices else { return try DeploymentName(model.rawValue) }
        let wanted = Set(devices)
        let same = try controller.deployments().first { $0.model == model && $0.devices.map(Set.init) == wanted }
        if let same { return same.name }
        let text = wanted.sorted().map(\.rawValue).joined(separator: ",")
        let digest = SHA256().digest(of: Array(text.utf8))
        return try DeploymentName("\(ModelFile.asName(model.rawValue, limit: 55))-\(digest.hex.prefix(8))")
    }

    private func existing(_ name: DeploymentName, _ controller: Orchestrator) throws -> Deployment? {
        do throws(OrchestratorError) {
            return try controller.deployment(name)
        } catch {
            guard error.problem?.status == 404 else { throw error }
            return nil
        }
    }

    /// The deployment's policy with the steps that are asked for; nil where its own are kept.
    private func steps(of deployment: Deployment, _ controller: Orchestrator) throws -> Policy? {
        guard percent != nil || strategy == .allAtOnce else { return nil }
        var policy = try controller.policy(try deployment.policy ?? PolicyName("default"))
        switch strategy {
        case .gradual: policy.steps = policy.steps(startingWith: percent ?? 100)
        case .allAtOnce: policy.steps = [.percent(100)]
        }
        policy.name = try PolicyName("\(ModelFile.asName(deployment.name.rawValue, limit: 58))-steps")
        return policy
    }
}
