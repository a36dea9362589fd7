/// An event's place in its log: 1, 2, 3 … without holes; ``zero`` is "before the first". It never changes.
public struct Offset: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let zero = Offset(0)
    /// The largest offset: what a signed 64-bit column can hold.
    public static let maximum = Offset(UInt64(Int64.max))

    public let rawValue: UInt64

    /// - Precondition: `rawValue` is not above ``maximum``.
    public init(_ rawValue: UInt64) {
        precondition(rawValue <= UInt64(Int64.max))
        self.rawValue = rawValue
    }

    /// Reads a non-negative decimal integer of at most 19 digits that isn't above ``maximum``; `nil` for anything else.
    public init?(decimal text: some StringProtocol) {
        guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int64(text)
        else { return nil }
        self.init(UInt64(value))
    }

    public var next: Offset { Offset(rawValue + 1) }

    /// The offset `count` events further on.
    public func advanced(by count: Int) -> Offset { Offset(rawValue + UInt64(count)) }

    /// How many events lie after `other` up to and including this one.
    public func distance(from other: Offset) -> Int { Int(rawValue) - Int(other.rawValue) }

    public static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
