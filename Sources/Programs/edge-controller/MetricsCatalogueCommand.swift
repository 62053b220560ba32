import ArgumentParser
import PrometheusExposition

/// `edge-controller metrics-catalogue`: every metric the controller can show, one JSON object a line.
struct MetricsCatalogueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics-catalogue", abstract: "Print every metric as one JSON object a line.")

    func run() {
        print(MetricCatalogue.standard.jsonLines, terminator: "")
    }
}
