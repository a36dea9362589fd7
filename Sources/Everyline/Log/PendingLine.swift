package import NIOCore

/// What a producer holds of a line that has no newline yet: a prompt, a progress bar. It is state, not an event: it has
/// no offset, isn't stored, and may be replaced or dropped at any time.
public struct PendingLine: Sendable, Equatable {
    /// The longest message, in bytes of UTF-8: of a longer line a producer sends the end.
    public static let limit: ByteCount = .kibibytes(8)

    /// The event behind which it stands. A later event takes its place.
    public let after: Offset
    /// Empty where there is none any more.
    public let message: String
    /// Only where it is known.
    public let stream: LogLine.Stream?

    public init(after: Offset, message: String, stream: LogLine.Stream? = nil) {
        self.after = after
        self.message = message
        self.stream = stream
    }

    /// Whether the line may be longer: then this is its end. (What is left of a character at either end of it is left
    /// out.)
    package var mayBeCut: Bool { message.utf8.count > Self.limit - 8 }

    /// The text of a line's last bytes: without the rest of a scalar that was cut at the beginning, without the
    /// beginning of one that is still to come, without what is certainly overwritten, and in ``limit`` bytes.
    package static func text(of bytes: [UInt8], isCut: Bool) -> String {
        var bytes = bytes[...]
        if isCut { bytes = bytes.drop { $0 & 0xC0 == 0x80 } }
        if let lead = bytes.suffix(3).lastIndex(where: { $0 & 0xC0 != 0x80 }), bytes[lead] >= 0xC2 {
            bytes.withUnsafeBytes { text in
                let start = lead - bytes.startIndex
                if case .broken(let length) = UTF8Sequence(in: text, at: start), start + length == text.count {
                    bytes = bytes[..<lead]
                }
            }
        }
        var text = Substring(decoding: bytes, as: UTF8.self).unicodeScalars
        // What isn't UTF-8 is longer as U+FFFD than it was.
        var length = text.reduce(0) { $0 + UTF8.width($1) }
        while length > limit { length -= UTF8.width(text.removeFirst()) }
        return Overwriting.remove(from: String(text))
    }

    /// The line as a stream carries it, without a newline.
    package var controlLine: ByteBuffer {
        var line = ByteBuffer(string: "{\"type\":\"pending\",\"after\":\(after)")
        if let stream { line.writeString(",\"stream\":\"\(stream.rawValue)\"") }
        line.writeStaticString(",\"message\":\"")
        line.writeJSONText(message)
        line.writeStaticString("\"}")
        return line
    }
}

extension PendingLine: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case after, message, stream
    }

    /// The names of its fields.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let after = try fields.decode(UInt64.self, forKey: .after)
        guard after <= Offset.maximum.rawValue else {
            throw DecodingError.dataCorruptedError(forKey: .after, in: fields, debugDescription: "no offset")
        }
        let name = try fields.decodeIfPresent(String.self, forKey: .stream)
        let stream = name.flatMap(LogLine.Stream.init)
        guard (name == nil) == (stream == nil) else {
            throw DecodingError.dataCorruptedError(forKey: .stream, in: fields, debugDescription: "no stream")
        }
        self.init(
            after: Offset(after), message: try fields.decode(String.self, forKey: .message), stream: stream)
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(after.rawValue, forKey: .after)
        try fields.encode(message, forKey: .message)
        try fields.encodeIfPresent(stream?.rawValue, forKey: .stream)
    }
}
