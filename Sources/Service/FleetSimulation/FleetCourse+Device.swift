import CanaryAnalysis
import RealModule

extension FleetCourse {
    /// Lets one interval pass on one device; returns what arrived of it, with what had not arrived before.
    mutating func advance(_ device: Int) -> Measurements? {
        let end = now
        let middle = end - fleet.tickSeconds / 2
        startNewVersion(device, by: end)
        if states[device].fallsSilentAt <= middle { return nil }
        if states[device].swapsSilently, exposedAt[device] > end, commandedAt[device] ?? .infinity < end {
            return nil
        }
        let isAway = isAway(device, at: middle)
        if !isAway, let counted = count(device, middle: middle) {
            if isLost(device, counted, at: middle) { return nil }
            return arrive(device, counted, end: end)
        }
        // A device that is away still works.
        if isAway, let counted = count(device, middle: middle) { keep(device, counted) }
        return nil
    }

    /// What is counted in this interval; nil for a heartbeat that the new version loses for good.
    private mutating func count(_ device: Int, middle: Double) -> Measurements? {
        let profile = devices[device]
        let exposed = min(1, max(0, (now - exposedAt[device]) / fleet.tickSeconds))
        let isHarmed = exposed > 0 && states[device].bears && now > fleet.version.beginsAtSeconds
        let harm = isHarmed ? exposed : 0
        let requests = chance.poisson(mean: profile.load, none: states[device].none)
        let level = fleetWide.level * burst(device, at: middle) * sites.factor(of: device, at: middle)
        let old = profile.rate * level * (states[device].strayed.isEmpty ? 1 : Double.exp(0.2 * states[device].mood))
        var rate = old * (1 + harm * (fleet.version.failureRatio - 1)) + harm * fleet.version.addedFailures * (1 - old)
        if states[device].alwaysFails, exposed > 0 { rate = exposed }
        let failures = rate > 0 ? chance.binomial(requests, rate: min(1, rate)) : 0
        states[device].expected += Double(requests) * min(1, old)
        considerUpdate(device, requests: requests, failures: failures)
        var counted = Measurements(requests: Double(requests), failures: Double(failures))
        if fleet.measures != .failures { measure(device, requests, harm: harm, into: &counted) }
        if exposed > 0, failures > 0, fleet.version.losesFailing > 0, chance.uniform() < fleet.version.losesFailing {
            states[device].expected -= Double(requests) * min(1, old)
            return nil
        }
        return counted
    }

    private mutating func measure(_ device: Int, _ requests: Int, harm: Double, into counted: inout Measurements) {
        let means = SimulatedMean.measured(by: fleet.measures)
        let mood = 0.8 * states[device].mood + 0.6 * chance.normal()
        if !means.isEmpty { states[device].mood = mood }
        if fleet.measures == .latency || fleet.measures == .twelve {
            let slower = harm > 0 ? harm * Double.log(fleet.version.latencyRatio) : 0
            let center =
                Double.log(SimulatedLatency.median) + devices[device].slowness + slower
                + (means.isEmpty ? 0 : 0.05 * mood)
            var buckets = [Double](repeating: 0, count: SimulatedLatency.bounds.count + 1)
            for _ in 0..<requests {
                buckets[SimulatedLatency.bucket(log: center + SimulatedLatency.sigma * chance.normal())] += 1
            }
            counted.latency = buckets
        }
        counted.means.reserveCapacity(means.count)
        for (index, mean) in means.enumerated() {
            // Half of a mean's noise is the device's mood, which all its metrics share.
            let strayed = states[device].strayed[index] + mean.fromTickToTick * (0.7 * mood + 0.7 * chance.normal())
            let shift = index == 0 ? harm * fleet.version.confidenceShift : 0
            let count = Double(requests)
            let level = mean.level + devices[device].offsets[index] + strayed + shift
            counted.means.append(
                Tally(
                    count: count,
                    total: max(0, count * level + Double.sqrt(count) * mean.ofSample * chance.normal())))
        }
    }

    // MARK: - Updates

    private mutating func startNewVersion(_ device: Int, by end: Double) {
        guard exposedAt[device] == .infinity, states[device].startsAt < end else { return }
        // A device that is away learns of the update when it is back.
        guard !(fleet.connections.away > 0 && states[device].awayUntil > end - fleet.tickSeconds) else { return }
        expose(device, at: max(states[device].startsAt, end - fleet.tickSeconds))
    }

    /// Restarts and quiet moments start an update that waits for them, with the next interval.
    private mutating func considerUpdate(_ device: Int, requests: Int, failures: Int) {
        guard let commanded = commandedAt[device], exposedAt[device] == .infinity, commanded < now else { return }
        switch fleet.exposure {
        case .atOnce, .slow, .late: break
        case .atRestart:
            if chance.uniform() < 0.01 + 0.2 * Double(failures) { expose(device, at: now) }
        case .whenQuiet:
            if Double(requests) <= 0.5 * devices[device].load { expose(device, at: now) }
        }
    }

    private mutating func expose(_ device: Int, at seconds: Double) {
        exposedAt[device] = seconds
        states[device].fallsSilentAt = seconds + states[device].silentAfterExposure
    }

    // MARK: - Weather and connections

    private mutating func burst(_ device: Int, at seconds: Double) -> Double {
        guard fleet.weather.burstShare > 0 else { return 1 }
        if seconds >= states[device].nextBurst {
            let mean = Self.burstMinutes * 60
            states[device].burstUntil = seconds + chance.exponential(mean: mean)
            states[device].nextBurst =
                states[device].burstUntil + chance.exponential(mean: mean / fleet.weather.burstShare)
        }
        return seconds < states[device].burstUntil ? Self.burstFactor : 1
    }

    private mutating func isAway(_ device: Int, at seconds: Double) -> Bool {
        let connections = fleet.connections
        if connections.away > 0, seconds >= states[device].nextAway {
            let away = Self.awayMinutes * 60
            states[device].awayUntil = seconds + chance.exponential(mean: away)
            states[device].nextAway =
                states[device].awayUntil
                + chance.exponential(mean: away * (1 - connections.away) / connections.away)
        }
        if states[device].isBehindGateway, seconds >= connections.outageAtSeconds,
            seconds < connections.outageAtSeconds + 300
        {
            return true
        }
        return seconds < states[device].awayUntil
    }

    private mutating func isLost(_ device: Int, _ counted: Measurements, at seconds: Double) -> Bool {
        guard fleet.connections.lost > 0, chance.uniform() < fleet.connections.lost else { return false }
        keep(device, counted)
        return true
    }

    private mutating func keep(_ device: Int, _ counted: Measurements) {
        states[device].pending += counted
        states[device].hasPending = true
    }

    private mutating func arrive(_ device: Int, _ counted: Measurements, end: Double) -> Measurements {
        var measured = counted
        if states[device].hasPending {
            measured += states[device].pending
            states[device].pending = Measurements()
            states[device].hasPending = false
        }
        isNew[device] = states[device].silentSince >= exposedAt[device]
        expectations[device] = states[device].expected
        states[device].expected = 0
        states[device].silentSince = end
        if commandedAt[device] == nil { histories[device] += measured }
        return measured
    }
}
