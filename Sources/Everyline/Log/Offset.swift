/// An event's place in its log: 1, 2, 3 … without holes; ``zero`` is "before the first". It never changes.
public struct Offset: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let zero = Offset(0)
    /// The largest offset: what a signed 64-bit column can hold.
    public static let maximum = Offset(UInt64(Int64.max))

    public let rawValue: UInt64

    /// - Precondition: `rawValue` is not above ``maximum``.
    public init(_ rawValue: UInt64) {
        precondition(rawValue <= UInt64(Int64.max), "\(rawValue) is no offset")
        self.rawValue = rawValue
    }

    /// Reads a non-negative decimal integer of at most 19 digits that isn't above ``maximum``; `nil` for anything else.
    public init?(decimal text: some StringProtocol) {
        var text = String(text)
        let value = text.withUTF8 { digits -> UInt64? in
            guard (1...19).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            // Nineteen digits are less than 2⁶⁴.
            return digits.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
        }
        guard let value, value <= Int64.max else { return nil }
        self.init(value)
    }

    public var next: Offset { advanced(by: 1) }

    /// The offset `count` events further on; nothing is behind ``maximum``.
    public func advanced(by count: Int) -> Offset {
        let (sum, isOverflow) = rawValue.addingReportingOverflow(UInt64(count))
        return isOverflow ? .maximum : Offset(min(sum, Self.maximum.rawValue))
    }

    /// How many events lie after `other` up to and including this one.
    public func distance(from other: Offset) -> Int { Int(rawValue) - Int(other.rawValue) }

    public static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
