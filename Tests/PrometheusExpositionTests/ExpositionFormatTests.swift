import Testing

@testable import PrometheusExposition

@Suite struct ExpositionFormatTests {
    static let protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

    @Test(
        "what real scrapers ask for is what they get",
        arguments: [
            // Prometheus 2.42.
            (
                "application/openmetrics-text; version=1.0.0,application/openmetrics-text; version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            // Prometheus 2.42 with native histograms.
            (
                protobuf + ",application/openmetrics-text;version=1.0.0;q=0.8,"
                    + "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                .openMetrics
            ),
            // Prometheus 2.53.
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
            ),
            // Prometheus 3.5.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                    + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
                    + "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
            ),
            // VictoriaMetrics 1.79 and 1.112.
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", .text),
        ] as [(String, ExpositionFormat)])
    func recorded(accept: String, format: ExpositionFormat) {
        #expect(ExpositionFormat.negotiate(accept: accept) == format)
    }

    @Test(
        "q values compare as numbers, and what is unknown falls back to the classic text",
        arguments: [
            (nil, .text), ("", .text), ("*/*", .text), ("text/html", .text), (protobuf, .text),
            ("application/openmetrics-text", .openMetrics),
            ("APPLICATION/OpenMetrics-Text;Version=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=\"1.0.0\"", .openMetrics),
            ("application/openmetrics-text;version=0.0.1", .text),
            ("application/openmetrics-text;q=0.9,text/plain;q=0.10", .openMetrics),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.9", .text),
            ("text/plain,application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text;q=0,text/plain;q=0.1", .text),
            ("application/openmetrics-text;q=high", .text), ("application/openmetrics-text;q=0", .text),
            ("application/openmetrics-text;q=5,text/plain;q=0.1", .text), ("application/openmetrics-text;q=nan", .text),
            (";;;,,,=;q=1", .text),
            ("text/plain ; version=0.0.4 ; q=0.5 , application/openmetrics-text ; q=1", .openMetrics),
        ] as [(String?, ExpositionFormat)])
    func table(accept: String?, format: ExpositionFormat) {
        #expect(ExpositionFormat.negotiate(accept: accept) == format)
    }

    @Test("content types name version and character set")
    func contentTypes() {
        #expect(ExpositionFormat.text.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            ExpositionFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }
}
