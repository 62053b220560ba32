import RealModule

/// The distribution of one device's count in a window, as points and their probabilities.
struct CountPoints {
    /// Beyond this mean a normal distribution is close enough.
    private static let largestExact = 40.0

    private(set) var values: [Double] = []
    private(set) var weights: [Double] = []

    /// A Poisson count whose mean varies between devices by a gamma distribution of that relative variance.
    init(mean: Double, spread: Double) {
        guard mean > 1e-12 else {
            values = [0]
            weights = [1]
            return
        }
        if mean <= Self.largestExact, mean * mean * spread < 2_500 {
            exact(mean: mean, spread: max(spread, 1e-9))
        } else {
            normal(mean: mean, deviation: Double.sqrt(mean + spread * mean * mean))
        }
    }

    private mutating func exact(mean: Double, spread: Double) {
        let shape = 1 / spread
        let ratio = mean / (mean + shape)
        var weight = Double.exp(-shape * Double.log(onePlus: mean * spread))
        var sum = 0.0
        var value = 0.0
        while sum < 1 - 1e-7, value < 2_000 {
            values.append(value)
            weights.append(weight)
            sum += weight
            weight *= (value + shape) / (value + 1) * ratio
            value += 1
        }
        for index in weights.indices { weights[index] /= sum }
    }

    private mutating func normal(mean: Double, deviation: Double) {
        var sum = 0.0
        for step in -30...30 {
            let z = Double(step) / 6
            let weight = Double.exp(-z * z / 2)
            values.append(max(0, mean + z * deviation))
            weights.append(weight)
            sum += weight
        }
        for index in weights.indices { weights[index] /= sum }
    }
}
