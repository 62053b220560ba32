/// One example of what a counter counted, such as the decision or the device behind a failure.
///
/// Shown in OpenMetrics only. Source: OpenMetrics 1.0, section Exemplars.
public struct Exemplar: Sendable, Hashable {
    /// The longest exemplar: label names and values together, in Unicode scalars.
    public static let labelLimit = 128

    /// The labels as they are written between braces.
    let labelText: String
    /// The value of the exemplar, such as 1 for one event.
    let value: Double

    /// Makes an exemplar.
    ///
    /// - Returns: nil where the names and values together are longer than ``labelLimit`` or the value is not finite.
    public init?(_ labels: KeyValuePairs<String, String>, value: Double = 1) {
        let size = labels.reduce(0) { $0 + $1.key.unicodeScalars.count + $1.value.unicodeScalars.count }
        guard size <= Self.labelLimit, value.isFinite else { return nil }
        labelText = LabelText.make(labels.map { MetricLabel($0.key) }, labels.map(\.value))
        self.value = value
    }
}
