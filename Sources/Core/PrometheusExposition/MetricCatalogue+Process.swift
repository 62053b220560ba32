extension MetricCatalogue {
    /// The standard set of every Prometheus client.
    ///
    /// Source: Prometheus, "Writing client libraries", Process metrics.
    static let process = Section(
        "Process",
        [
            CounterFamily.processCPU.family, GaugeFamily.processOpenFiles.family,
            GaugeFamily.processMaxFiles.family, GaugeFamily.processVirtualMemory.family,
            GaugeFamily.processResidentMemory.family, GaugeFamily.processStartTime.family,
            GaugeFamily.processThreads.family,
        ])
}

extension CounterFamily {
    /// CPU time; collected per scrape.
    public static let processCPU = CounterFamily(
        "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.", isCollected: true)
}

extension GaugeFamily {
    /// Open file descriptors.
    public static let processOpenFiles = GaugeFamily(
        "process_open_fds", help: "Number of open file descriptors.")

    /// The limit of open file descriptors.
    public static let processMaxFiles = GaugeFamily(
        "process_max_fds", help: "Maximum number of open file descriptors.")

    /// Virtual memory.
    public static let processVirtualMemory = GaugeFamily(
        "process_virtual_memory_bytes", help: "Virtual memory size in bytes.")

    /// Resident memory.
    public static let processResidentMemory = GaugeFamily(
        "process_resident_memory_bytes", help: "Resident memory size in bytes.")

    /// When the process started.
    public static let processStartTime = GaugeFamily(
        "process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.")

    /// Threads.
    public static let processThreads = GaugeFamily(
        "process_threads", help: "Number of OS threads in the process.")
}
