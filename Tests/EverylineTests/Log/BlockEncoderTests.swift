import Everyline
import NIOCore
import Testing

@Suite("An encoded event")
struct BlockEncoderTests {
    private static func encode(_ message: [UInt8], isPartial: Bool = false) -> String {
        var encoder = BlockEncoder(after: Offset(40))
        message.withUnsafeBytes {
            encoder.appendLine(
                $0, timestamp: Timestamp(milliseconds: 1_763_500_000_123), stream: .stderr, isPartial: isPartial)
        }
        return encoder.finish().map { String(buffer: $0.bytes) } ?? ""
    }

    @Test("has the documented form")
    func form() {
        #expect(
            Self.encode(Array("text without its newline".utf8))
                == #"{"offset":41,"timestamp":1763500000123,"stream":"stderr","message":"text without its newline"}"#
                + "\n")
        #expect(Self.encode([], isPartial: true).hasSuffix(#""message":"","partial":true}"# + "\n"))
    }

    @Test("of an outcome has the documented form")
    func end() {
        var encoder = BlockEncoder(after: Offset(41))
        encoder.appendEnd(
            ExecutionOutcome(status: .failed, exitCode: 3), timestamp: Timestamp(milliseconds: 1_763_500_000_125))
        let block = encoder.finish()
        #expect(block?.endsLog == true)
        #expect(
            block.map { String(buffer: $0.bytes) }
                == #"{"offset":42,"timestamp":1763500000125,"type":"end","status":"FAILED","exit_code":3}"# + "\n")
    }

    @Test(
        "is one line that decodes to what was written, whatever the bytes",
        arguments: [
            Array("plain".utf8), Array("\"quoted\" \\ / \u{1B}[31mred\u{1B}[0m".utf8),
            Array("10%\r20%\ttab\u{8}\u{C}".utf8),
            Array("Grüße 😀 \u{2028}".utf8), [UInt8](0..<128).filter { $0 != 10 }, [10, 13, 0],
        ])
    func roundTrip(_ message: [UInt8]) throws {
        let line = Self.encode(message)
        #expect(line.utf8.filter { $0 == 10 }.count == 1)
        let event = try #require(try LogEvent.decode(lines: ByteBuffer(string: line)).first)
        #expect(event.offset == Offset(41))
        #expect(event.content == .line(LogLine(message: String(decoding: message, as: UTF8.self), stream: .stderr)))
    }

    @Test(
        "replaces each maximal part of what isn't UTF-8",
        arguments: [
            ([0x61, 0xFF, 0x62], "a\u{FFFD}b"), ([0xC3], "\u{FFFD}"), ([0xE2, 0x82], "\u{FFFD}"),
            ([0xE2, 0x82, 0x41], "\u{FFFD}A"), ([0xF0, 0x9F, 0x98], "\u{FFFD}"), ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xF5, 0x80], "\u{FFFD}\u{FFFD}"),
        ] as [([UInt8], String)])
    func invalid(_ message: [UInt8], becomes text: String) throws {
        let event = try #require(try LogEvent.decode(lines: ByteBuffer(string: Self.encode(message))).first)
        #expect(event.content == .line(LogLine(message: text, stream: .stderr)))
        // The standard library replaces by the same rule.
        #expect(text == String(decoding: message, as: UTF8.self))
    }
}
