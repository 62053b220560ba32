extension ScrapeMapping {
    /// The ready-made mappings by the names under which a configuration asks for them.
    public static let readyMade: [String: ScrapeMapping] = [
        "examples": .examples, "triton": .triton, "kserve": .kserve, "torchserve": .torchServe,
    ]

    /// The runtime of the examples.
    public static let examples = ScrapeMapping(
        requests: [Source("inference_requests_total")],
        failures: [FailureSource(Source("inference_failures_total"), reasonLabel: "reason")],
        duration: DurationSource(Source("inference_duration_seconds")),
        classes: ClassSource(Source("inference_answers_total"), label: "class"),
        shares: [
            ShareSource("empty_answers", counted: [Source("inference_empty_answers_total")]),
            ShareSource(
                "accuracy", counted: [Source("inference_labelled_total", labels: ["correct": "true"])],
                of: [Source("inference_labelled_total")]),
        ],
        means: [
            MeanSource(
                "confidence", sum: Source("inference_confidence_sum"), count: Source("inference_confidence_count"))
        ],
        versionLabel: "version")

    /// NVIDIA Triton; requests are successes and failures together, and latency is a sum of microseconds.
    ///
    /// Source: Triton user guide, "Metrics", Inference Request Metrics.
    public static let triton = ScrapeMapping(
        requests: [Source("nv_inference_request_success"), Source("nv_inference_request_failure")],
        failures: [FailureSource(Source("nv_inference_request_failure"), reasonLabel: "reason")],
        duration: DurationSource(
            Source("nv_inference_request_duration_us"), isHistogram: false, secondsPerUnit: 0.000_001),
        versionLabel: "version")

    /// KServe's Python model servers, which count predictions and their latency but no failures.
    ///
    /// Source: KServe documentation, "Prometheus Metrics", and `kserve/metrics.py`.
    public static let kserve = ScrapeMapping(
        requests: [Source("request_predict_seconds_count")],
        duration: DurationSource(Source("request_predict_seconds")))

    /// TorchServe with `metrics_mode=prometheus`; its failures are the server errors of the whole process.
    ///
    /// Source: TorchServe documentation, "Metrics", Default Frontend Metrics.
    public static let torchServe = ScrapeMapping(
        requests: [Source("ts_inference_requests_total")],
        failures: [FailureSource(Source("Requests5XX"), reason: "http_5xx")],
        duration: DurationSource(
            Source("ts_inference_latency_microseconds"), isHistogram: false, secondsPerUnit: 0.000_001),
        versionLabel: "model_version")
}
