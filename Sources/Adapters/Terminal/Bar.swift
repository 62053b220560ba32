/// A bar that fills from the left.
public enum Bar {
    /// Draws how much of `bound` the value is, in `width` columns; everything from the bound on is full.
    ///
    /// Values that are not finite, and bounds that are not above 0, draw an empty bar.
    public static func filled(_ value: Double, of bound: Double, width: Int, palette: Palette) -> String {
        let share = bound > 0 && value.isFinite && bound.isFinite ? min(1, max(0, value / bound)) : 0
        let count = Int((share * Double(width)).rounded(.down))
        let signs = palette.hasUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: signs.0, count: count) + String(repeating: signs.1, count: width - count)
    }
}
