/// A point in time, in whole milliseconds since the epoch, as it stands in an event's line.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// The latest time that is accepted: 9999-12-31T23:59:59.999Z.
    public static let maximum = Timestamp(milliseconds: 253_402_300_799_999)
    public static let epoch = Timestamp(milliseconds: 0)

    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads non-negative decimal milliseconds up to ``maximum``; `nil` for anything else.
    public init?(decimal text: some StringProtocol) {
        guard let value = Offset(decimal: text), value.rawValue <= UInt64(Self.maximum.milliseconds) else { return nil }
        self.init(milliseconds: Int64(value.rawValue))
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// Both arguments in milliseconds precision; the rest of the duration is cut off.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds + duration.milliseconds)
    }

    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }
}

extension Duration {
    /// Whole milliseconds; the rest is cut off.
    package var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
