extension MetricCatalogue {
    static let http = Section(
        "HTTP and authentication",
        [
            CounterFamily.httpRequests.family, HistogramFamily.httpRequestDuration.family,
            GaugeFamily.httpRequestsInFlight.family, CounterFamily.httpRejectedRequests.family,
            CounterFamily.authFailures.family, CounterFamily.operatorCallsLimited.family,
            GaugeFamily.tlsCertificateExpiry.family,
            CounterFamily.tlsReloads.family, CounterFamily.tlsReloadFailures.family, CounterFamily.issuerReloads.family,
        ])

    static let controller = Section(
        "Controller",
        [
            HistogramFamily.commitDuration.family, CounterFamily.tickOverruns.family, CounterFamily.logMessages.family,
            GaugeFamily.metricsCollectionDuration.family, CounterFamily.droppedLabelSets.family,
            GaugeFamily.buildInfo.family, GaugeFamily.auditContradicted.family,
            CounterFamily.retentionRemoved.family, CounterFamily.retentionRemovedBytes.family,
            CounterFamily.retentionFailures.family, GaugeFamily.retentionLooked.family,
        ])

    /// What retention removes.
    fileprivate static let retained = MetricLabel("kind", known: ["evidence", "audit", "artifacts", "uploads"])
}

extension CounterFamily {
    /// Finished requests; labels handler, method, code.
    public static let httpRequests = CounterFamily(
        "edgeorch_http_requests_total", [.handler, MetricLabel("method"), MetricLabel("code")],
        help: "HTTP requests finished, by route template.")

    /// Requests that reached no handler; label reason.
    public static let httpRejectedRequests = CounterFamily(
        "edgeorch_http_rejected_requests_total", [.reason],
        help: "HTTP requests refused before reaching a handler.")

    /// Failed authentications; labels method, reason.
    public static let authFailures = CounterFamily(
        "edgeorch_auth_failures_total", [MetricLabel("method"), .reason], help: "Authentication failures.")

    /// Calls of operators that were refused because their credential called too often.
    public static let operatorCallsLimited = CounterFamily(
        "edgeorch_operator_calls_limited_total",
        help: "Calls of operators that were answered 429, because their credential called too often.")

    /// Changed files of the OpenID issuer that were tried.
    public static let issuerReloads = CounterFamily(
        "edgeorch_issuer_reloads_total", [MetricLabel("outcome", known: ["taken", "refused"])],
        help: "Changed files of --oidc that were tried, by whether they were taken.")

    /// Changed certificate files that were tried.
    public static let tlsReloads = CounterFamily(
        "edgeorch_tls_certificate_reloads_total",
        help: "Changed certificate files that were tried, those that could not be used among them.")

    /// Changed certificate files that could not be used.
    public static let tlsReloadFailures = CounterFamily(
        "edgeorch_tls_certificate_reload_failures_total",
        help: "Changed certificate files that could not be used; the certificate before is still shown.")

    /// Ticks that took longer than their interval.
    public static let tickOverruns = CounterFamily(
        "edgeorch_tick_overruns_total",
        help: "Ticks whose work ended after the next tick was due; the judge then looks later than promised.")

    /// What retention removed; label kind.
    public static let retentionRemoved = CounterFamily(
        "edgeorch_retention_removed_total", [MetricCatalogue.retained],
        help: "Rows and files that were removed because they are kept no longer.")

    /// How much retention removed; label kind.
    public static let retentionRemovedBytes = CounterFamily(
        "edgeorch_retention_removed_bytes_total", [MetricCatalogue.retained],
        help: "Bytes of the rows and files that were removed because they are kept no longer.")

    /// How often retention could not remove something; label kind.
    public static let retentionFailures = CounterFamily(
        "edgeorch_retention_failures_total", [MetricCatalogue.retained],
        help: "Looks at which something that is kept no longer could not be removed; the log says why.")

    /// Written log messages; label level.
    public static let logMessages = CounterFamily(
        "edgeorch_log_messages_total",
        [MetricLabel("level", known: ["info", "notice", "warning", "error", "critical"])],
        help: "Log messages written.")

    /// Label sets folded into `other`; label metric.
    public static let droppedLabelSets = CounterFamily(
        "edgeorch_metrics_dropped_label_sets_total", [.metric],
        help: "Label sets folded into other because a family reached its limit.")
}

extension GaugeFamily {
    /// Whether the audit log contradicted its newest checkpoint when the controller started.
    public static let auditContradicted = GaugeFamily(
        "edgeorch_audit_contradicted",
        help: "1 where the audit log ended before its newest checkpoint at the start, or differed from it; 0 otherwise."
    )

    /// When it was last looked for what may go.
    public static let retentionLooked = GaugeFamily(
        "edgeorch_retention_last_look_timestamp_seconds",
        help: "When it was last looked for what is kept no longer, in seconds since 1970; absent before the first.")

    /// When the certificate shown to clients ends; label listener.
    public static let tlsCertificateExpiry = GaugeFamily(
        "edgeorch_tls_certificate_expiry_timestamp_seconds",
        [MetricLabel("listener", known: ["api", "devices", "metrics"])],
        help: "When the certificate a listener shows ends, in seconds since 1970.")

    /// Requests being served.
    public static let httpRequestsInFlight = GaugeFamily(
        "edgeorch_http_requests_in_flight", help: "HTTP requests being served.")

    /// What rendering the metrics costs.
    public static let metricsCollectionDuration = GaugeFamily(
        "edgeorch_metrics_collection_duration_seconds", help: "Time the last metrics rendering took.")

    /// The running build; labels version, revision, swift_version.
    public static let buildInfo = GaugeFamily(
        "edgeorch_build_info",
        [MetricLabel("version"), MetricLabel("revision"), MetricLabel("swift_version")],
        help: "Build of the running controller; always 1.")
}

extension HistogramFamily {
    /// Latency of requests; label handler.
    public static let httpRequestDuration = HistogramFamily(
        "edgeorch_http_request_duration_seconds", [.handler], help: "HTTP request latency by route template.",
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10])

    /// How long the commit at the end of a tick takes.
    public static let commitDuration = HistogramFamily(
        "edgeorch_commit_duration_seconds", help: "Time to commit the evidence and totals of one tick.",
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5])
}
