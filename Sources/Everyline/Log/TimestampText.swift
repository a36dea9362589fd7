extension Timestamp {
    /// In UTC, as RFC 3339 writes it: `2025-11-18T21:06:40.123Z`.
    package var text: String { String(decoding: textBytes, as: UTF8.self) }

    /// The same as ASCII.
    package var textBytes: [UInt8] {
        let (day, time) = milliseconds.floorDivided(by: 86_400_000)
        let date = CivilDate(daysSinceEpoch: day)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        bytes.append(digits: date.year, width: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(digits: date.month, width: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(digits: date.day, width: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(timeOfDay: time)
        bytes.append(UInt8(ascii: "."))
        bytes.append(digits: time % 1000, width: 3)
        bytes.append(UInt8(ascii: "Z"))
        return bytes
    }
}

extension Timestamp {
    /// As HTTP writes dates (RFC 9110, section 5.6.7): `Tue, 18 Nov 2025 21:06:40 GMT`.
    package var httpText: String {
        let (day, time) = milliseconds.floorDivided(by: 86_400_000)
        let date = CivilDate(daysSinceEpoch: day)
        let (weekday, month) = (Int((day + 4).floorDivided(by: 7).remainder), Int(date.month - 1))
        var bytes = Array("\(Self.weekdays[weekday]), ".utf8)
        bytes.append(digits: date.day, width: 2)
        bytes.append(contentsOf: " \(Self.months[month]) ".utf8)
        bytes.append(digits: date.year, width: 4)
        bytes.append(UInt8(ascii: " "))
        bytes.append(timeOfDay: time)
        return String(decoding: bytes, as: UTF8.self) + " GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

/// A day of the Gregorian calendar, by Howard Hinnant's `civil_from_days` and `days_from_civil`. (Foundation's
/// formatters bring tens of megabytes with them.)
package struct CivilDate: Equatable {
    let year: Int64
    let month: Int64
    let day: Int64

    init(daysSinceEpoch days: Int64) {
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `nil` for a day that no calendar has.
    package init?(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
        guard (1...12).contains(month), (1...31).contains(day), CivilDate(daysSinceEpoch: daysSinceEpoch) == self else {
            return nil
        }
    }

    package var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Int64 {
    /// The quotient, rounded down, and the remainder, which is never negative.
    func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension [UInt8] {
    fileprivate mutating func append(digits value: Int64, width: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        let value = value.magnitude
        var unit: UInt64 = 1
        for _ in 1..<width { unit *= 10 }
        while value / unit >= 10 { unit *= 10 }
        while unit > 0 {
            append(UInt8(ascii: "0") + UInt8(value / unit % 10))
            unit /= 10
        }
    }

    /// Hours, minutes and seconds, `21:06:40`, of a time of day in milliseconds.
    fileprivate mutating func append(timeOfDay time: Int64) {
        append(digits: time / 3_600_000, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: time / 60_000 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: time / 1000 % 60, width: 2)
    }
}
