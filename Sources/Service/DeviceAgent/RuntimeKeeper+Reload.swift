import DeviceUpdates
import Fleet
import PrometheusExposition

/// How another version gets into a runtime that runs, and whether it is the one that answers.
extension RuntimeKeeper {
    /// How long a runtime has to unload its model before its end, seconds.
    static let unloadSeconds = 2.0

    /// Has a healthy runtime load the version; false when it must be restarted for it.
    func reload(_ digest: Digest) -> Bool {
        guard settings.reload != .restart, child?.isHealthy == true else { return false }
        scrape()
        guard var running = child else { return false }
        if settings.mapping.versionLabel == nil { beginSeries(&running) }
        counters.save(isDurable: true)
        let started = services.clock.uptimeSeconds
        guard isLoading(running) else { return false }
        running.digest = digest
        running.served.insert(digest)
        running.isHealthy = false
        running.nextCheck = 0
        if case .signal = settings.reload { running.nextCheck = started + ReloadMethod.signalSeconds }
        running.deadline = started + settings.startSeconds
        child = running
        openSeries(digest, start: running.start, isDurable: false)
        return true
    }

    /// Whether the runtime took the order to load what `{model_dir}` leads to.
    private func isLoading(_ running: Child) -> Bool {
        switch settings.reload {
        case .restart: return false
        case .post(let path): return isPosted(path, timeoutSeconds: settings.startSeconds)
        case .repository(let name):
            return isPosted(ReloadMethod.loadPath(name), timeoutSeconds: settings.startSeconds)
        case .signal(let number):
            services.launcher.signal(running.process, number)
            return true
        case .command(let words): return isDone(words)
        }
    }

    private func isPosted(_ path: String, timeoutSeconds: Double) -> Bool {
        do {
            let reply = try services.probe.post(path, json: [0x7B, 0x7D], timeoutSeconds: timeoutSeconds)
            if reply.isSuccess { return true }
            services.log.warning("runtime_reload_refused", ["path": path, "status": "\(reply.status)"])
        } catch {
            services.log.warning("runtime_reload_failed", ["path": path, "error": "\(error)"])
        }
        return false
    }

    /// Runs a program to its end, at most as long as a start may take.
    private func isDone(_ words: [String]) -> Bool {
        let command = settings.filled(words, modelDirectory: services.files.absolute(layout.current))
        let deadline = services.clock.uptimeSeconds + settings.startSeconds
        do {
            let process = try services.launcher.launch(command)
            while true {
                if let end = services.launcher.end(of: process) {
                    if end == .exited(0) { return true }
                    services.log.warning("runtime_reload_refused", ["command": command[0], "end": "\(end)"])
                    return false
                }
                if services.clock.uptimeSeconds >= deadline { services.launcher.terminate(process, force: true) }
                services.clock.pause(seconds: 0.02)
            }
        } catch {
            services.log.warning("runtime_reload_failed", ["command": command[0], "error": "\(error)"])
            return false
        }
    }

    /// Lets a runtime give back what its model holds, where it can be asked to; its end follows in any case.
    func unload(_ running: Child) {
        guard case .repository(let name) = settings.reload, running.isHealthy else { return }
        _ = isPosted(ReloadMethod.unloadPath(name), timeoutSeconds: Self.unloadSeconds)
    }

    /// Whether the runtime can serve, and serves what it should: a health check that is answered by the version before
    /// is no answer.
    func isAnswering(_ running: inout Child) -> Bool {
        if running.needsLoad {
            guard case .repository(let name) = settings.reload,
                let reply = try? services.probe.post(
                    ReloadMethod.loadPath(name), json: [0x7B, 0x7D], timeoutSeconds: settings.startSeconds),
                reply.isSuccess
            else { return false }
            running.needsLoad = false
        }
        let reply = try? services.probe.get(settings.healthPath, timeoutSeconds: Self.healthTimeoutSeconds)
        guard reply?.isSuccess ?? false else { return false }
        guard let path = settings.versionPath, !running.isHealthy else { return true }
        let version = try? services.probe.get(path, timeoutSeconds: Self.healthTimeoutSeconds)
        return version.map { $0.isSuccess && String(decoding: $0.body, as: UTF8.self).contains(running.digest.hex) }
            ?? false
    }
}
