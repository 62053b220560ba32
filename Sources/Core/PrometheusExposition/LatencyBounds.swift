/// The upper bounds by which every device counts inference latency, so that counts of devices can be added.
public enum LatencyBounds {
    /// The finite bounds in seconds, rising; one more bucket holds everything slower.
    public static let seconds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

    /// How many counts a set of buckets has: one per bound and one for everything slower.
    public static let bucketCount = seconds.count + 1
}
