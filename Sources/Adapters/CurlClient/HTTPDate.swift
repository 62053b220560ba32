internal import CCurl

/// The date of HTTP (RFC 9110, section 5.6.7).
public enum HTTPDate {
    /// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; nil where the text is none.
    public static func seconds(_ text: String) -> Int? {
        let time = unsafe curl_getdate(text, nil)
        return time < 0 ? nil : time
    }
}
