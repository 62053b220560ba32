import CanaryAnalysis
import Fleet
import Foundation
public import Rollouts
import Synchronization
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    ///
    /// One is made at a time: a forecast keeps a processor busy for seconds.
    public func forecast(_ request: ForecastRequest) throws -> PlanForecast {
        guard forecasting.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            throw Problem(
                code: "forecast_running", title: "Forecast running", status: 429,
                detail: "another forecast is being made; try again in some seconds")
        }
        defer { forecasting.store(false, ordering: .releasing) }
        let state = state
        let policy = try state.forecastPolicy(request)
        let pace = request.rolloutsPerYear ?? 52 * Double(max(1, state.deployments.count))
        guard pace >= 0, pace.isFinite else {
            throw Problem.invalid([FieldFault(field: "rolloutsPerYear", remedy: "use a number of 0 or more")])
        }
        func unknown(_ reason: String) -> PlanForecast {
            PlanForecast(policy: policy, unknownReason: reason, rolloutsPerYear: pace)
        }
        guard let from = state.settledVersion(of: request.deployment.name) else {
            return unknown(
                "no version of \(request.deployment.model) was promoted under \(request.deployment.name) yet: a first "
                    + "installation has nothing to be compared with")
        }
        let known = KnownFleet(state, request.deployment, from: from, unitLabel: policy.unitLabel, at: now) {
            ingest.telemetry(of: $0)
        }
        guard !known.devices.isEmpty else {
            return unknown(
                "no device of \(request.deployment.name) runs \(from.name) and was heard in the last "
                    + "\(Int(FleetState.eligibleWithinSeconds / 60)) minutes")
        }
        guard known.devices.contains(where: { $0.history.count > 0 }) else {
            return unknown("no device has any requests on \(from.name) yet; forecast again once there is traffic")
        }
        let picked = known.picked
        if let picked, picked == 0 || picked == known.units {
            return unknown(
                "of \(known.units) that could be judged now \(picked) are picked as canaries: it takes some of both"
            )
        }
        let replay = try replay(state.rollouts(of: request.deployment.name), unitLabel: policy.unitLabel)
        let (fleet, outlook) = known.outlook(replay, tickSeconds: policy.heartbeatSeconds)
        var forecast = PlanForecaster(policy, fleet, outlook, picked: picked).forecast(rolloutsPerYear: pace)
        forecast.placebo = replay?.replay.result
        return forecast
    }

    /// The longest step of the newest rollout whose evidence is stored, judged with other draws.
    private func replay(_ rollouts: [TrackedRollout], unitLabel: String?) throws -> MeasuredStep? {
        let limits = PlaceboReplay.Limits()
        for tracked in rollouts.reversed() where tracked.rollout.from != nil {
            guard let step = tracked.rollout.steps.first, step.method == .draw,
                let stored = try surroundings.store.experiment(rollout: tracked.rollout.id, step: step.number),
                stored.experiment.devices.count <= MeasuredStep.largestList
            else { continue }
            let rows = try surroundings.store.evidence(rollout: tracked.rollout.id, step: step.number)
            guard rows.count > 5 else { continue }
            let evidence = try rows.prefix(limits.ticks).map { try TickEvidence(decoding: $0.bytes) }
            return MeasuredStep(
                replay: PlaceboReplay(stored.experiment.drawn(by: unitLabel), evidence, limits: limits),
                tickSeconds: stored.experiment.tickSeconds)
        }
        return nil
    }
}

/// What an earlier step's evidence tells.
struct MeasuredStep {
    /// Evidence of larger lists is not read again for a forecast.
    static let largestList = 20_000

    let replay: PlaceboReplay
    let tickSeconds: Double
}

/// The devices that a rollout could draw, with their histories.
struct KnownFleet {
    /// One device: its history, and for how many seconds of requests that is worth.
    struct Device {
        let history: Tally
        let seconds: Double
        /// The unit it would be drawn with; nil where it is one of its own.
        let unit: String?
        /// Whether a person picked it for the first step.
        let isPicked: Bool
    }

    /// Whether a person picks the canaries.
    private let hasPicked: Bool
    /// The label whose values are drawn whole; nil where single devices are drawn.
    let unitLabel: String?
    let devices: [Device]
    /// Devices under the deployment that were not heard lately.
    let away: Int

    init(
        _ state: FleetState, _ deployment: Deployment, from: VersionReference, unitLabel: String?,
        at now: Timestamp, telemetry: (DeviceID) -> StoredTelemetry
    ) {
        let since = state.rollouts(of: deployment.name).last { $0.rollout.promotedAt != nil }?.rollout.createdAt
        var (devices, away) = ([Device](), 0)
        for device in state.devices(of: deployment) {
            guard let slot = device.slots.first(where: { $0.model == deployment.model }),
                slot.deployment == deployment.name, slot.run == from, slot.running == from.digest
            else { continue }
            let record = telemetry(device.id)
            guard let seen = record.lastHeartbeatAt, now.seconds(since: seen) <= FleetState.eligibleWithinSeconds
            else {
                away += 1
                continue
            }
            let history = record.history(on: from.digest, at: now)
            let age = now.seconds(since: max(device.enrolledAt, since ?? device.enrolledAt))
            devices.append(
                Device(
                    history: Tally(count: history.requests, total: history.failures),
                    seconds: VersionHistory.worthSeconds(age: age),
                    unit: unitLabel.flatMap { device.unit(by: $0) },
                    isPicked: deployment.canaries?.contains(device.id, labels: device.labels) ?? false))
        }
        hasPicked = deployment.canaries != nil
        self.unitLabel = unitLabel
        self.devices = devices
        self.away = away
    }

    /// How many units there are; a device without one is one of its own.
    var units: Int { Self.units(devices) }

    /// How many of them a person picked; nil where the canaries are drawn.
    var picked: Int? { hasPicked ? Self.units(devices.filter(\.isPicked)) : nil }

    private static func units(_ devices: [Device]) -> Int {
        Set(devices.compactMap(\.unit)).count + devices.count { $0.unit == nil }
    }

    /// What a forecast needs: by histories, and by an earlier step's evidence where there is one.
    func outlook(_ measured: MeasuredStep?, tickSeconds: Double) -> (ForecastFleet, FleetOutlook) {
        let guessed = devices.map { $0.history.count / max(1, $0.seconds) * tickSeconds }
        let mean = guessed.reduce(0, +) / Double(max(1, devices.count))
        var scale = 1.0
        if let measured, let requests = measured.replay.requestsPerTick, requests > 0, mean > 0 {
            scale = requests * tickSeconds / measured.tickSeconds / mean
        }
        let list = zip(devices, guessed).map {
            ForecastFleet.Device(requestsPerTick: $1 * scale, history: $0.history)
        }
        let single = ForecastFleet(list)
        let units = unitLabel.map { label in (label, ForecastFleet.Device.sums(list, by: devices.map(\.unit))) }
        let drawn = units?.1 ?? list
        let plain = units.map { ForecastFleet($0.1) } ?? single
        let drift = measured?.replay.residualSpread.map { max(0, $0 - plain.residualSpread) }
        let fleet = drift.map { $0 > 0 ? ForecastFleet(drawn, drift: $0) : plain } ?? plain
        let exposed = measured?.replay.exposedFrom.map { tick in
            max(2, Int((Double(tick) * (measured?.tickSeconds ?? tickSeconds) / tickSeconds).rounded(.up)))
        }
        return (
            fleet,
            FleetOutlook(
                devices: devices.count, away: away, requestsPerTick: single.requestsPerTick,
                failureRate: single.failureRate, deviceSpread: single.deviceSpread, drift: drift,
                exposedFrom: exposed ?? 3, isMeasured: measured?.replay.requestsPerTick != nil,
                units: units.map { FleetUnits(label: $0.0, count: $0.1.count) })
        )
    }
}

extension VersionHistory {
    /// How many seconds of steady requests a decayed history of some age holds.
    static func worthSeconds(age: Double) -> Double {
        halfLifeSeconds / log(2) * (1 - exp2(-max(0, age) / halfLifeSeconds))
    }
}

extension FleetState {
    /// The policy a forecast is asked for.
    fileprivate func forecastPolicy(_ request: ForecastRequest) throws -> Policy {
        if let policy = request.policy {
            guard policy.faults.isEmpty else { throw Problem.invalid(policy.faults) }
            return policy
        }
        guard let policy = policy(for: request.deployment) else {
            throw Problem.invalid([
                FieldFault(
                    field: "deployment.policy",
                    remedy: "there is no such policy; send it beside the deployment or apply it first")
            ])
        }
        return policy
    }
}
