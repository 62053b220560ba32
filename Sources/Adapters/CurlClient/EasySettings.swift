internal import CCurl

/// Sets options of one handle; a code other than OK becomes an error.
struct EasySettings {
    let handle: EasyHandle
    let attempt: CurlError.Attempt

    func set(_ option: CURLoption, _ value: Int) throws(CurlError) {
        try check(unsafe edgeorch_curl_set_long(handle.pointer, option, value))
    }

    func set(_ option: CURLoption, _ value: String) throws(CurlError) {
        try check(unsafe edgeorch_curl_set_text(handle.pointer, option, value))
    }

    func set(_ option: CURLoption, offset: UInt64) throws(CurlError) {
        try check(unsafe edgeorch_curl_set_offset(handle.pointer, option, Int(clamping: offset)))
    }

    func set(_ option: CURLoption, copying bytes: [UInt8]) throws(CurlError) {
        let code = unsafe bytes.withUnsafeBytes { buffer in
            // libcurl only reads; an empty array has no address, where null would mean "no body".
            unsafe buffer.baseAddress.map { address in
                unsafe edgeorch_curl_set_pointer(handle.pointer, option, UnsafeMutableRawPointer(mutating: address))
            } ?? edgeorch_curl_set_text(handle.pointer, option, "")
        }
        try check(code)
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(CurlError) {
        try check(unsafe edgeorch_curl_set_pointer(handle.pointer, option, pointer))
    }

    func set(_ option: CURLoption, transfer function: edgeorch_curl_transfer) throws(CurlError) {
        try check(unsafe edgeorch_curl_set_transfer(handle.pointer, option, function))
    }

    func check(_ code: CURLcode) throws(CurlError) {
        guard code == CURLE_OK else { throw error(code) }
    }

    func error(_ code: CURLcode) -> CurlError {
        let detail = unsafe String(cString: handle.errorText)
        let text = detail.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : detail
        return switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidRequest(attempt, reason: text)
        default: .transferFailed(attempt, code: Int(code.rawValue), text: text)
        }
    }
}
