public import CanaryAnalysis
import FleetSimulation

/// Forecasts held against what the judge does on simulated fleets: one step, drawn anew in each run.
public struct ForecastCheck: Sendable {
    /// What is forecast.
    public struct Question: Hashable, Sendable {
        /// What is asked.
        public enum Subject: Hashable, Sendable {
            /// When a version is taken back that fails so many times as often.
            case found(effect: Double)
            /// When a version that changes nothing is proven, where this ratio is tolerated.
            case proven(tolerance: Double)
        }

        /// What is asked.
        public var subject: Subject
        /// How far devices differ: rates are the fleet's times 1 less to 1 plus so much, in 0...1.
        public var spread: Double

        /// Asks something.
        public init(_ subject: Subject, spread: Double) {
            self.subject = subject
            self.spread = spread
        }

        /// The question in a few words, such as `x1.5 found`.
        public var title: String {
            switch subject {
            case .found(let effect): "x\(Figure.decimal(effect, digits: 2)) found"
            case .proven(let tolerance): "good, x\(Figure.decimal(tolerance, digits: 2)) tolerated"
            }
        }
    }

    /// A forecast and what the judge's runs came to.
    public struct Result: Sendable {
        /// What was asked.
        public var question: Question
        /// What was forecast.
        public var forecast: ForecastTimes
        /// What the judge did.
        public var judged: ForecastTimes
        /// The length of a tick, in seconds.
        public var tickSeconds: Double

        /// Puts both side by side.
        public init(_ question: Question, forecast: ForecastTimes, judged: ForecastTimes, tickSeconds: Double) {
            self.question = question
            self.forecast = forecast
            self.judged = judged
            self.tickSeconds = tickSeconds
        }

        /// How far the forecast's median is off the judge's, as a share of the judge's; nil where either has none.
        public var medianError: Double? {
            guard let mine = forecast.tick(by: 0.5), let its = judged.tick(by: 0.5) else { return nil }
            return mine / its - 1
        }
    }

    /// Devices on the step's list.
    public var devices = 1_000
    /// Devices drawn.
    public var canaries = 50
    /// The share of failed requests on the old version.
    public var rate = 0.01
    /// Requests of one device in one tick.
    public var requests = 10
    /// Requests of history per device.
    public var history = 8_000
    /// The length of a tick, in seconds.
    public var tickSeconds = 30.0
    /// Ticks until the deadline.
    public var deadlineTicks = 720
    /// Ticks of soak.
    public var soakTicks = 20
    /// The first run's seed.
    public var seed: UInt64 = 1

    /// A check of the usual step.
    public init() {}

    /// What the benchmark asks: equal devices and such that differ by 80 %.
    public static let questions: [Question] = [0, 0.8].flatMap { spread in
        [1.25, 1.5, 2, 3].map { Question(.found(effect: $0), spread: spread) }
            + [1.25, 1.5].map { Question(.proven(tolerance: $0), spread: spread) }
    }

    /// What is forecast from the fleet of the first run.
    public func forecast(_ question: Question) -> ForecastTimes {
        let step = step(question, seed: seed)
        let fleet = ForecastFleet(
            step.experiment.devices.map {
                ForecastFleet.Device(requestsPerTick: Double(requests), history: $0.history[0])
            })
        let forecaster = StepForecaster(
            fleet,
            ForecastStep(
                devices: devices, canaries: canaries, plan: step.plan, margin: step.margin,
                exposedFrom: step.exposedFrom))
        switch question.subject {
        case .found(let effect): return forecaster.detection(of: effect)
        case .proven: return forecaster.proof()
        }
    }

    /// The tick in which a run of the judge came to what is asked; nil where it came to something else, or to nothing
    /// by the deadline.
    public func judged(_ question: Question, run: Int) -> Int? {
        guard let ending = step(question, seed: seed &+ UInt64(run)).ending(within: deadlineTicks) else { return nil }
        switch (question.subject, ending.recommendation) {
        case (.found, .rollback), (.proven, .advance(isProven: true)): return ending.tick
        default: return nil
        }
    }

    private func step(_ question: Question, seed: UInt64) -> SimulatedStep {
        var (effect, tolerance) = (1.0, 1.25)
        switch question.subject {
        case .found(let ratio): effect = ratio
        case .proven(let ratio): tolerance = ratio
        }
        var step = SimulatedStep(
            devices: devices, canaries: canaries, requests: requests, oldRate: rate, newRate: rate * effect,
            spread: question.spread, historyRequests: history, margin: .relative(tolerance), seed: seed)
        step.plan.deadlineTicks = deadlineTicks
        step.plan.soakTicks = soakTicks
        step.plan.watchTicks = deadlineTicks * 4 + 2_880
        return step
    }
}
