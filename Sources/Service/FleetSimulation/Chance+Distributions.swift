import RealModule

extension Chance {
    /// A number from the standard normal distribution (Marsaglia's polar method; the second of each pair is dropped, so
    /// that a stream has no hidden state).
    public mutating func normal() -> Double {
        while true {
            let x = 2 * uniform() - 1
            let y = 2 * uniform() - 1
            let square = x * x + y * y
            guard square < 1, square > 0 else { continue }
            return x * Double.sqrt(-2 * Double.log(square) / square)
        }
    }

    /// A number above 0 whose logarithm is normal, with mean 1 and this standard deviation of the logarithm.
    public mutating func lognormal(sigma: Double) -> Double {
        Double.exp(sigma * normal() - sigma * sigma / 2)
    }

    /// A waiting time with this mean.
    public mutating func exponential(mean: Double) -> Double { -mean * Double.log(1 - uniform()) }

    /// A number from the gamma distribution with scale 1; the shape is above 0.
    ///
    /// Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; a shape below 1 by raising
    /// it by 1 and multiplying with a power of a uniform number.
    public mutating func gamma(shape: Double) -> Double {
        guard shape >= 1 else {
            let raised = gamma(shape: shape + 1)
            return raised * Double.pow(1 - uniform(), 1 / shape)
        }
        let d = shape - 1 / 3.0
        let c = 1 / Double.sqrt(9 * d)
        while true {
            let x = normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let cube = root * root * root
            if Double.log(1 - uniform()) < x * x / 2 + d - d * cube + d * Double.log(cube) { return d * cube }
        }
    }

    /// A number in 0...1 from the beta distribution; both parameters are above 0.
    public mutating func beta(_ a: Double, _ b: Double) -> Double {
        let x = gamma(shape: a)
        let y = gamma(shape: b)
        return x + y > 0 ? x / (x + y) : 0
    }

    /// A count from the Poisson distribution.
    ///
    /// Small means by inversion, large ones by splitting them at a gamma-distributed point.
    ///
    /// Source: Ahrens and Dieter, "Computer methods for sampling from gamma, beta, Poisson and binomial distributions",
    /// 1974.
    public mutating func poisson(mean: Double) -> Int {
        guard mean > 20 else { return poisson(mean: mean, none: Double.exp(-mean)) }
        let events = Int(0.875 * mean)
        let time = gamma(shape: Double(events))
        return time > mean
            ? binomial(events - 1, rate: mean / time) : events + poisson(mean: mean - time)
    }

    /// The same by inversion, where the probability of no event is known already; the mean is at most some 600.
    public mutating func poisson(mean: Double, none: Double) -> Int {
        var left = uniform()
        var probability = none
        var count = 0
        while left >= probability, probability > 0 || count < Int(mean) {
            left -= probability
            count += 1
            probability *= mean / Double(count)
        }
        return count
    }

    /// How many of `trials` happen, each with probability `rate`; quick for any number of trials.
    ///
    /// Small expectations by inversion, large ones by splitting the trials at a beta-distributed order statistic.
    ///
    /// Source: Ahrens and Dieter, as above.
    public mutating func binomial(_ trials: Int, rate: Double) -> Int {
        guard trials > 0, rate > 0 else { return 0 }
        guard rate < 1 else { return trials }
        guard rate <= 0.5 else { return trials - binomial(trials, rate: 1 - rate) }
        guard Double(trials) * rate > 20 else { return fewOf(trials, rate: rate) }
        let middle = 1 + trials / 2
        let split = beta(Double(middle), Double(trials + 1 - middle))
        return split >= rate
            ? binomial(middle - 1, rate: rate / split)
            : middle + binomial(trials - middle, rate: (rate - split) / (1 - split))
    }

    private mutating func fewOf(_ trials: Int, rate: Double) -> Int {
        let odds = rate / (1 - rate)
        var left = uniform()
        var probability = Double.exp(Double(trials) * Double.log(onePlus: -rate))
        var count = 0
        while left >= probability, count < trials {
            left -= probability
            count += 1
            probability *= odds * Double(trials - count + 1) / Double(count)
        }
        return count
    }
}
