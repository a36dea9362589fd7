@testable import Everyline
import NIOCore

extension FuzzTarget {
    /// Plain text as lines: in pieces it gives the same as whole, and nothing of it is lost.
    static let appendText = FuzzTarget(name: "append-text") { input in
        let limit: ByteCount = 16
        let whole = cut([input.bytes], limit: limit)
        expect(cut(input.pieces, limit: limit) == whole, "pieces give the same lines as the whole")
        let joined = whole.reduce(into: ByteBuffer()) { text, line in
            text.writeImmutableBuffer(line.bytes)
            if !line.isPartial { text.writeInteger(UInt8(ascii: "\n")) }
        }
        var expected = input.bytes
        if expected.readableBytes > 0, expected.readableBytesView.last != UInt8(ascii: "\n") {
            expected.writeInteger(UInt8(ascii: "\n"))
        }
        expect(joined == expected, "the lines are the text")
        expect(whole.allSatisfy { $0.bytes.readableBytes <= limit }, "no line is longer than the limit")

        let body = try AppendBody(text: input.bytes, after: .zero, at: Timestamp(milliseconds: 1000), lineLimit: limit)
        let events = try body.block.map { try LogEvent.decode(lines: $0.bytes) } ?? []
        let messages = events.map { event -> String in
            guard case .line(let line) = event.content else { return "" }
            return line.message
        }
        expect(
            messages == whole.map { String(decoding: $0.bytes.readableBytesView, as: UTF8.self) },
            "an event is its line, with U+FFFD for what isn't UTF-8")
        expect(events.map(\.offset.rawValue) == (0..<UInt64(events.count)).map { $0 + 1 }, "offsets are dense")
        for line in body.block?.bytes.lines.dropLast() ?? [] { _ = try ReferenceEvent(line) }

        var text = ByteBuffer()
        try body.block?.writeText(into: &text)
        expect(text == ByteBuffer(string: String(buffer: joined)) || !input.isUTF8, "what is written out is the text")
    }

    private struct Line: Equatable {
        let bytes: ByteBuffer
        let isPartial: Bool
    }

    private static func cut(_ pieces: [ByteBuffer], limit: ByteCount) -> [Line] {
        var cutter = LineCutter(limit: limit)
        var lines: [Line] = []
        let add = { (line: UnsafeRawBufferPointer, isPartial: Bool) in
            lines.append(Line(bytes: ByteBuffer(bytes: line), isPartial: isPartial))
        }
        for piece in pieces {
            piece.withUnsafeReadableBytes { cutter.feed($0, emit: add) }
        }
        cutter.finish(emit: add)
        return lines
    }
}

extension FuzzInput {
    fileprivate var isUTF8: Bool { String(validating: bytes.readableBytesView, as: UTF8.self) != nil }
}
