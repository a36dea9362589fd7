import Everyline

/// A point in time as signatures write it: `20150830T123600Z`, in whole seconds of UTC.
struct SigningDate {
    /// `20150830T123600Z`
    let full: String
    /// `20150830`
    var day: String { String(full.prefix(8)) }

    init(_ time: Timestamp) {
        // 2015-08-30T12:36:00.000Z
        full = time.text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
