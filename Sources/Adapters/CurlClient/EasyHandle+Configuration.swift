internal import CCurl

extension EasyHandle {
    /// Sets everything but the transfer's callbacks.
    func configure(_ request: CurlRequest, userAgent: String, acceptsGzip: Bool) throws(CurlError) {
        unsafe errorText.pointee = 0
        let settings = EasySettings(handle: self, attempt: CurlError.Attempt(request))
        try unsafe settings.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        // libcurl's timeouts would use SIGALRM otherwise, which threads cannot share.
        try settings.set(CURLOPT_NOSIGNAL, 1)
        try settings.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try settings.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        try settings.set(CURLOPT_URL, request.url)
        try settings.set(CURLOPT_USERAGENT, userAgent)
        try settings.set(CURLOPT_TCP_KEEPALIVE, 1)
        try settings.set(CURLOPT_FOLLOWLOCATION, request.followRedirects ? 1 : 0)
        try settings.set(CURLOPT_MAXREDIRS, 5)
        if acceptsGzip {
            try settings.set(CURLOPT_ACCEPT_ENCODING, "gzip")
        }
        try configureTimes(request, settings)
        try configureSpeed(request, settings)
        try configureTLS(request.tls, settings)
        try configureMethod(request, settings)
        try configureHeaders(request, settings)
    }

    private func configureTimes(_ request: CurlRequest, _ settings: EasySettings) throws(CurlError) {
        // 0 stands for no limit.
        try settings.set(CURLOPT_TIMEOUT_MS, request.timeoutSeconds.map(milliseconds) ?? 0)
        try settings.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connectTimeoutSeconds))
        if let limit = request.lowSpeedLimitBytesPerSecond {
            try settings.set(CURLOPT_LOW_SPEED_LIMIT, limit)
            try settings.set(CURLOPT_LOW_SPEED_TIME, max(1, request.lowSpeedSeconds))
        }
    }

    private func configureSpeed(_ request: CurlRequest, _ settings: EasySettings) throws(CurlError) {
        guard let highest = request.highestBytesPerSecond else { return }
        try settings.set(CURLOPT_MAX_RECV_SPEED_LARGE, offset: UInt64(max(1, highest)))
    }

    private func configureTLS(_ tls: CurlTLS, _ settings: EasySettings) throws(CurlError) {
        if let file = tls.caFile {
            try settings.set(CURLOPT_CAINFO, file)
        }
        if !tls.verifiesServer {
            try settings.set(CURLOPT_SSL_VERIFYPEER, 0)
            try settings.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        if let file = tls.clientCertificateFile {
            try settings.set(CURLOPT_SSLCERT, file)
        }
        if let file = tls.clientKeyFile {
            try settings.set(CURLOPT_SSLKEY, file)
        }
    }

    private func configureMethod(_ request: CurlRequest, _ settings: EasySettings) throws(CurlError) {
        switch request.body {
        case .none:
            // NOBODY keeps libcurl from waiting for the body that a HEAD's Content-Length announces.
            try settings.set(request.method == "HEAD" ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
        case .bytes(let bytes):
            // Sent together with the head, in one packet when short; libcurl copies the bytes by the size set before.
            try settings.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: UInt64(bytes.count))
            try settings.set(CURLOPT_COPYPOSTFIELDS, copying: bytes)
        case .file(_, _, let length):
            try settings.set(CURLOPT_UPLOAD, 1)
            try settings.set(CURLOPT_INFILESIZE_LARGE, offset: length)
        }
        if request.method != "HEAD" {
            try settings.set(CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private func configureHeaders(_ request: CurlRequest, _ settings: EasySettings) throws(CurlError) {
        if case .bytes = request.body, !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            // libcurl would call the bytes an HTML form.
            guard appendHeader("Content-Type:") else { throw settings.error(CURLE_OUT_OF_MEMORY) }
        }
        for header in request.headers {
            let text = header.name + header.value
            guard !header.name.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
                throw .invalidRequest(
                    settings.attempt, reason: "the header field '\(header.name)' is empty or has a control character")
            }
            // "Name;" is libcurl's way to send a field without a value; "Name:" would remove it.
            let line = header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)"
            guard appendHeader(line) else { throw settings.error(CURLE_OUT_OF_MEMORY) }
        }
        try unsafe settings.set(CURLOPT_HTTPHEADER, pointer: headerList)
    }

    /// Whole milliseconds, at least 1 because 0 would mean no limit; a time that is no number is the shortest.
    private func milliseconds(_ seconds: Double) -> Int {
        seconds.isNaN ? 1 : Int(max(1, min(seconds * 1000, 1e12)))
    }
}
