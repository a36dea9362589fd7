/// Names one execution for ever: an id is never used again, so an offset under it never means two different events.
///
/// Generated ids are ULIDs (48 bits of milliseconds, 80 random bits, Crockford's base 32, lower case): they sort by the
/// time of their making and fit into a path, a file name and a partition key unescaped.
public struct ExecutionID: Hashable, Sendable, CustomStringConvertible {
    /// The longest id that is accepted, in bytes.
    public static let maximumLength = 64

    public let rawValue: String

    /// Accepts 1 to 64 of `A-Z a-z 0-9 _ -`; `nil` for anything else.
    public init?(_ rawValue: some StringProtocol) {
        // As a `String`, of which the compiler knows how its bytes lie.
        var text = String(rawValue)
        let isAllowed = text.withUTF8 { (1...Self.maximumLength).contains($0.count) && $0.allSatisfy(Self.isAllowed) }
        guard isAllowed else { return nil }
        self.rawValue = text
    }

    /// Makes a new id from the time and 80 random bits.
    public init(at time: Timestamp, using generator: inout some RandomNumberGenerator) {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(26)
        let milliseconds = UInt64(clamping: time.milliseconds)
        for shift in stride(from: 45, through: 0, by: -5) {
            bytes.append(alphabet[Int((milliseconds >> UInt64(shift)) & 31)])
        }
        for _ in 0..<16 { bytes.append(alphabet[Int(generator.next() & 31)]) }
        self.rawValue = String(decoding: bytes, as: UTF8.self)
    }

    public var description: String { rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
