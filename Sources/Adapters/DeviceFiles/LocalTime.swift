internal import Glibc

/// The time where the device is.
public enum LocalTime {
    /// Seconds since midnight, by the machine's time zone.
    public static var secondOfDay: Int {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&now, &parts)
        return unsafe (Int(parts.tm_hour) * 60 + Int(parts.tm_min)) * 60 + Int(parts.tm_sec)
    }
}
