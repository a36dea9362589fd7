/// What an event's line says without being decoded, in the one form that servers write: `{"offset":N,"timestamp":T,"…`.
///
/// It is the way to check a million lines a second without decoding them. A line of any other form is decoded instead.
package struct EventLinePrefix {
    package let offset: UInt64
    package let timestamp: UInt64
    /// Whether it is a line of output in that form: nothing but its stream, its message, its
    /// id and that it is a part may follow.
    package let isOutput: Bool
    /// Where the third field's name begins.
    package let end: Int

    /// Reads the beginning of `bytes[start..<end]`; `nil` if the line must be decoded.
    package init?(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        var position = start
        guard Self.skip(Self.offsetName, in: bytes, &position, end),
            let offset = Self.number(in: bytes, &position, end), offset > 0,
            Self.skip(Self.timestampName, in: bytes, &position, end),
            let timestamp = Self.number(in: bytes, &position, end),
            position + 2 < end, bytes[position] == UInt8(ascii: ","), bytes[position + 1] == UInt8(ascii: "\""),
            bytes[end - 1] == UInt8(ascii: "}")
        else { return nil }
        self.offset = offset
        self.timestamp = timestamp
        self.end = position + 2
        isOutput = Self.isOutput(bytes, from: position + 2, to: end)
    }

    /// Whether no other field, `type` for instance, stands before or behind the message.
    private static func isOutput(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
        var position = start
        if skip(stream, in: bytes, &position, end) {
            let isKnown = skip(stdout, in: bytes, &position, end) || skip(stderr, in: bytes, &position, end)
            guard isKnown else { return false }
        }
        guard skip(message, in: bytes, &position, end),
            let quote = bytes.endOfString(from: position, to: end)
        else { return false }
        position = quote + 1
        if skip(eventID, in: bytes, &position, end) {
            guard let quote = bytes.endOfString(from: position, to: end) else { return false }
            position = quote + 1
        }
        _ = skip(partial, in: bytes, &position, end)
        return position == end - 1
    }

    private static let offsetName: StaticString = "{\"offset\":"
    private static let timestampName: StaticString = ",\"timestamp\":"
    private static let stream: StaticString = "stream\":"
    private static let stdout: StaticString = "\"stdout\",\""
    private static let stderr: StaticString = "\"stderr\",\""
    private static let message: StaticString = "message\":\""
    private static let eventID: StaticString = ",\"event_id\":\""
    private static let partial: StaticString = ",\"partial\":true"

    package static func startsWith(
        _ text: StaticString, in bytes: UnsafeRawBufferPointer, _ position: Int, _ end: Int
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        return true
    }

    package static func skip(
        _ text: StaticString, in bytes: UnsafeRawBufferPointer, _ position: inout Int, _ end: Int
    ) -> Bool {
        guard startsWith(text, in: bytes, position, end) else { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    /// Takes a decimal number of at most 18 digits, which no 64 bits are too few for.
    package static func number(in bytes: UnsafeRawBufferPointer, _ position: inout Int, _ end: Int) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while position < end, case let digit = bytes[position] &- 0x30, digit <= 9 {
            guard position - start < 18 else { return nil }
            value = value &* 10 &+ UInt64(digit)
            position += 1
        }
        return position > start ? value : nil
    }
}
