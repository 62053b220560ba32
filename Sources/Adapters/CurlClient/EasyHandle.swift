internal import CCurl
import Glibc

/// One easy handle of libcurl, with the connections it keeps.
///
/// `@unchecked Sendable`: the pool hands it to one thread at a time, which is all libcurl asks for (libcurl-thread(3)).
@safe final class EasyHandle: @unchecked Sendable {
    /// The CURL handle.
    let pointer: UnsafeMutableRawPointer
    /// Where libcurl writes what went wrong; lives as long as the handle.
    let errorText: UnsafeMutablePointer<CChar>
    /// The header list of the current request; libcurl does not copy it.
    private(set) var headerList: UnsafeMutablePointer<curl_slist>?

    /// Makes a handle, or nil without memory.
    init?() {
        guard let made = unsafe curl_easy_init() else { return nil }
        unsafe pointer = unsafe made
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
        unsafe curl_slist_free_all(headerList)
        unsafe errorText.deallocate()
    }

    /// Forgets the request and keeps the connections (curl_easy_reset(3)).
    func reset() {
        unsafe curl_easy_reset(pointer)
        unsafe curl_slist_free_all(headerList)
        unsafe headerList = nil
    }

    /// Adds `Name: value` to the request's header list; false without memory.
    func appendHeader(_ line: String) -> Bool {
        guard let longer = unsafe curl_slist_append(headerList, line) else { return false }
        unsafe headerList = unsafe longer
        return true
    }

    /// Runs the transfer on this thread to its end.
    ///
    /// Throws what the caller's closures threw, or ``CurlError``.
    func perform(_ transfer: Transfer) throws {
        let settings = EasySettings(handle: self, attempt: transfer.attempt)
        // Not retained: the transfer is alive until curl_easy_perform returns, and no callback comes after that.
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        try unsafe settings.set(CURLOPT_WRITEFUNCTION, transfer: receiveBody)
        try unsafe settings.set(CURLOPT_WRITEDATA, pointer: context)
        try unsafe settings.set(CURLOPT_HEADERFUNCTION, transfer: receiveHeaderLine)
        try unsafe settings.set(CURLOPT_HEADERDATA, pointer: context)
        try unsafe settings.set(CURLOPT_READFUNCTION, transfer: sendBody)
        try unsafe settings.set(CURLOPT_READDATA, pointer: context)
        try settings.check(unsafe edgeorch_curl_set_seek(pointer, rewindBody))
        try unsafe settings.set(CURLOPT_SEEKDATA, pointer: context)
        try settings.check(unsafe edgeorch_curl_set_progress(pointer, continueTransfer))
        try unsafe settings.set(CURLOPT_XFERINFODATA, pointer: context)
        try settings.set(CURLOPT_NOPROGRESS, 0)
        let code = withExtendedLifetime(transfer) { unsafe curl_easy_perform(pointer) }
        if code == CURLE_OK {
            transfer.deliverHeadIfDue()
        }
        if let failure = transfer.failure {
            throw failure
        }
        guard code == CURLE_OK else { throw settings.error(code) }
    }
}

// libcurl's callbacks. The context is the transfer, which `EasyHandle.perform` keeps alive.

/// CURLOPT_WRITEFUNCTION: fewer bytes than offered abort the transfer.
private func receiveBody(
    bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe borrowed(context), let bytes = unsafe bytes else { return 0 }
    let piece = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count))
    return transfer.bodyReceived(piece) ? size * count : 0
}

/// CURLOPT_HEADERFUNCTION: called once per line.
private func receiveHeaderLine(
    bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe borrowed(context), let bytes = unsafe bytes else { return 0 }
    let line = unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
    transfer.headerLineReceived(line)
    return size * count
}

/// CURLOPT_READFUNCTION: 0 ends the body.
private func sendBody(
    bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe borrowed(context), let bytes = unsafe bytes else { return Int(CURL_READFUNC_ABORT) }
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
    return unsafe transfer.bodyWanted(buffer) ?? Int(CURL_READFUNC_ABORT)
}

/// CURLOPT_SEEKFUNCTION: only from the start.
private func rewindBody(context: UnsafeMutableRawPointer?, offset: curl_off_t, origin: Int32) -> Int32 {
    guard let transfer = unsafe borrowed(context), origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
    return transfer.bodyRewound(to: offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK
}

/// CURLOPT_XFERINFOFUNCTION: called about once a second and with each piece; anything but 0 aborts.
private func continueTransfer(
    context: UnsafeMutableRawPointer?, downloadTotal: curl_off_t, downloaded: curl_off_t, uploadTotal: curl_off_t,
    uploaded: curl_off_t
) -> Int32 {
    guard let transfer = unsafe borrowed(context) else { return 1 }
    return transfer.mayContinue() ? 0 : 1
}

private func borrowed(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}
