import Rollouts

/// Lines over time as a picture in SVG: axes with round numbers, a band for an interval, a legend in words.
struct Chart: Sendable {
    /// One line.
    struct Line: Sendable {
        /// What it shows.
        var name: String
        /// Its colour and stroke: the name of a class of the style sheet.
        var style: String
        /// Seconds since the start, and the value; nil where there is none.
        var points: [(seconds: Double, value: Double?)]
    }

    /// The area between two values at each moment; an open end reaches the edge.
    struct Band: Sendable {
        /// What it shows.
        var name: String
        /// Seconds since the start, lower and upper end.
        var points: [(seconds: Double, lower: Double?, upper: Double?)]
    }

    /// What it shows, above the picture.
    var title: String
    /// How to read it, below the title.
    var hint: String
    /// Writes a value of the axis.
    var label: @Sendable (Double) -> String
    /// Lines, the last on top.
    var lines: [Line]
    /// The area behind the lines.
    var band: Band?
    /// A value with a line of its own, such as "no effect".
    var reference: Double?
    /// Whether the axis starts at zero.
    var startsAtZero = true

    private static let size = (width: 640.0, height: 200.0)
    private static let frame = (left: 78.0, right: 12.0, top: 10.0, bottom: 26.0)

    /// The picture with its title and legend.
    var markup: Markup {
        guard let area = Area(self) else { return .none }
        var drawn: [Markup] = [.element("title", "\(title). \(hint)")]
        drawn += area.grid(label)
        if let band { drawn.append(area.shape(of: band)) }
        if let reference { drawn.append(area.level(reference, style: "reference")) }
        drawn += lines.map(area.path)
        let legend =
            lines.map { Self.entry($0.name, $0.style) } + (band.map { [Self.entry($0.name, "band")] } ?? [])
        let viewBox = "0 0 \(Int(Self.size.width)) \(Int(Self.size.height))"
        return .element(
            "figure",
            [
                .element(
                    "figcaption", [.element("strong", title), .text(" "), .element("span", ["class": "hint"], hint)]),
                .element("svg", ["viewBox": viewBox, "role": "img"], drawn),
                .element("p", ["class": "legend"], legend),
            ])
    }

    private static func entry(_ name: String, _ style: String) -> Markup {
        .element("span", [.element("i", ["class": "key \(style)"], ""), .text(name)])
    }

    // MARK: - Where things are

    /// The part of the picture that values are drawn in.
    private struct Area {
        let seconds: Double
        let values: ClosedRange<Double>
        let step: Double

        /// Nil where there is nothing to draw.
        init?(_ chart: Chart) {
            let moments = chart.lines.flatMap { $0.points.map(\.seconds) }
            var all = chart.lines.flatMap { $0.points.compactMap(\.value) } + [chart.reference].compactMap { $0 }
            all += chart.band?.points.flatMap { [$0.lower, $0.upper].compactMap { $0 } } ?? []
            all = all.filter(\.isFinite)
            guard let last = moments.max(), last > 0, let low = all.min(), let high = all.max() else { return nil }
            seconds = last
            let bottom = chart.startsAtZero ? min(0, low) : low
            let span = high - bottom
            step = Chart.round(span > 0 ? span / 4 : max(abs(high), 1) / 4)
            values = (bottom / step).rounded(.down) * step...max((high / step).rounded(.up), 1) * step
        }

        func x(_ moment: Double) -> Double {
            frame.left + moment / seconds * (size.width - frame.left - frame.right)
        }

        func y(_ value: Double) -> Double {
            let held = min(values.upperBound, max(values.lowerBound, value))
            let share = (held - values.lowerBound) / (values.upperBound - values.lowerBound)
            return size.height - frame.bottom - share * (size.height - frame.top - frame.bottom)
        }

        func grid(_ label: (Double) -> String) -> [Markup] {
            let count = Int(((values.upperBound - values.lowerBound) / step).rounded())
            let rows = (0...max(1, count)).flatMap { number -> [Markup] in
                let value = values.lowerBound + Double(number) * step
                return [
                    level(value, style: "grid"),
                    mark(label(value), x: frame.left - 6, y: y(value) + 4, anchor: "end"),
                ]
            }
            let interval = Chart.roundSpan(seconds / 5)
            return rows
                + (0...Int(seconds / interval)).map { number in
                    let moment = Double(number) * interval
                    return mark(Figure.span(moment), x: x(moment), y: size.height - 8, anchor: "middle")
                }
        }

        func level(_ value: Double, style: String) -> Markup {
            .element(
                "path",
                [
                    "class": style,
                    "d": "M\(number(frame.left)) \(number(y(value)))H\(number(size.width - frame.right))",
                ],
                [])
        }

        func path(_ line: Line) -> Markup {
            var command = "M"
            var text = ""
            for point in line.points {
                guard let value = point.value, value.isFinite else {
                    command = "M"
                    continue
                }
                // A stroke without a length makes a dot of a point that stands alone.
                text += "\(command)\(number(x(point.seconds))) \(number(y(value)))\(command == "M" ? "h0" : "")"
                command = "L"
            }
            return .element("path", ["class": "line \(line.style)", "d": text], [])
        }

        func shape(of band: Band) -> Markup {
            let known = band.points.filter { $0.lower != nil || $0.upper != nil }
            let above = known.map { "\(number(x($0.seconds))) \(number(y($0.upper ?? values.upperBound)))" }
            let below = known.reversed().map { "\(number(x($0.seconds))) \(number(y($0.lower ?? values.lowerBound)))" }
            let outline = (above + below).joined(separator: "L")
            return .element("path", ["class": "band", "d": outline.isEmpty ? "" : "M\(outline)Z"], [])
        }

        private func mark(_ text: String, x: Double, y: Double, anchor: String) -> Markup {
            .element("text", ["x": number(x), "y": number(y), "text-anchor": anchor], text)
        }

        private func number(_ value: Double) -> String { Figure.decimal(value, digits: 1) }
    }

    /// The next larger of 1, 2, 2.5 and 5 times a power of ten.
    private static func round(_ value: Double) -> Double {
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        while power > value, power > 1e-9 { power /= 10 }
        return ([1, 2, 2.5, 5].map { $0 * power }.first { $0 >= value }) ?? 10 * power
    }

    /// The next larger span of time that people count in.
    private static func roundSpan(_ seconds: Double) -> Double {
        let spans: [Double] = [
            1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800,
        ]
        return spans.first { $0 >= seconds } ?? seconds
    }
}
