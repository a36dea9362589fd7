package import Everyline

/// A point in time as people write it: `10m` ago, an RFC 3339 time, or milliseconds since the epoch.
package enum TimeExpression {
    /// Reads one; `nil` for anything else.
    package static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        if let duration = duration(text) {
            return Timestamp(milliseconds: max(0, (now - duration).milliseconds))
        }
        return Timestamp(decimal: text) ?? dateTime(text)
    }

    /// Reads `500ms`, `30s`, `10m`, `2h` or `7d`, or several of them from the longest to the shortest: `1h30m`.
    package static func duration(_ text: some StringProtocol) -> Duration? {
        var rest = text.utf8[...]
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard (1...9).contains(digits.count), let count = Int64(String(decoding: digits, as: UTF8.self)) else {
                return nil
            }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !(0x30...0x39).contains($0) }
            rest = rest.dropFirst(unit.count)
            guard let milliseconds = units[String(decoding: unit, as: UTF8.self)], milliseconds < smallest else {
                return nil
            }
            smallest = milliseconds
            total += count * milliseconds
        }
        return smallest == .max ? nil : .milliseconds(total)
    }

    private static let units: [String: Int64] = [
        "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]

    /// Reads `2025-11-18T21:06:40Z`, with a fraction of a second and an offset from UTC where there are such.
    private static func dateTime(_ text: String) -> Timestamp? {
        var reader = Reader(rest: Array(text.utf8)[...])
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60,
            reader.take(":"), let second = reader.number(2), second < 61,
            let date = CivilDate(year: year, month: month, day: day),
            let fraction = reader.fraction(), let zone = reader.zone(), reader.rest.isEmpty
        else { return nil }
        let seconds = ((date.daysSinceEpoch * 24 + hour) * 60 + minute - zone) * 60 + second
        let time = Timestamp(milliseconds: seconds * 1000 + fraction)
        return (Timestamp.epoch...Timestamp.maximum).contains(time) ? time : nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number(_ width: Int) -> Int64? {
            let digits = rest.prefix(width)
            guard digits.count == width, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(width)
            return Int64(String(decoding: digits, as: UTF8.self))
        }

        /// Milliseconds; what is smaller is cut off.
        mutating func fraction() -> Int64? {
            guard take(".") else { return 0 }
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            return Int64(String((String(decoding: digits, as: UTF8.self) + "00").prefix(3)))
        }

        /// Minutes east of UTC.
        mutating func zone() -> Int64? {
            if take("Z") || take("z") { return 0 }
            let isWest = rest.first == UInt8(ascii: "-")
            guard isWest || rest.first == UInt8(ascii: "+") else { return nil }
            rest.removeFirst()
            guard let hours = number(2), hours < 24, take(":"), let minutes = number(2), minutes < 60 else {
                return nil
            }
            return (hours * 60 + minutes) * (isWest ? -1 : 1)
        }
    }
}

extension Timestamp {
    fileprivate static func - (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds - duration.milliseconds)
    }
}
