import Everyline

/// A point in time as signatures write it: `20150830T123600Z`, in whole seconds of UTC.
struct SigningDate {
    /// `20150830T123600Z`
    let full: String
    /// `20150830`
    var day: String { String(full.prefix(8)) }

    init(_ time: Timestamp) {
        let seconds = time.milliseconds / 1000
        let days = seconds / 86_400
        let (year, month, day) = Self.civil(days: days)
        let rest = seconds - days * 86_400
        full =
            Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2) + "T" + Self.padded(rest / 3600, 2)
            + Self.padded(rest / 60 % 60, 2) + Self.padded(rest % 60, 2) + "Z"
    }

    /// The date of a day of the proleptic Gregorian calendar, counted from 1970-01-01: years are counted from March, so
    /// that the leap day is the last of a year, in eras of 400 years that are all alike.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
