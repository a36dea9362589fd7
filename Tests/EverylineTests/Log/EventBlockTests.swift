import Everyline
import NIOCore
import Testing

@Suite("A block")
struct EventBlockTests {
    private static func block(_ messages: [String], after head: UInt64 = 10) -> EventBlock? {
        var encoder = BlockEncoder(after: Offset(head))
        for message in messages { encoder.appendLine(LogLine(message: message), timestamp: Timestamp(milliseconds: 1)) }
        return encoder.finish()
    }

    private static let sample = block(["a", "", "ccc", "é", "\n"])

    @Test("cut at any offset gives the events after it, byte for byte", arguments: UInt64(0)...17)
    func suffix(after offset: UInt64) throws {
        let block = try #require(Self.sample)
        let all = try LogEvent.decode(lines: block.bytes)
        let rest = try block.suffix(after: Offset(offset)).map { try LogEvent.decode(lines: $0.bytes) } ?? []
        #expect(rest == all.filter { $0.offset > Offset(offset) })
    }

    @Test("cut at any offset from behind gives the events up to it", arguments: UInt64(0)...17)
    func prefix(through offset: UInt64) throws {
        let block = try #require(Self.sample)
        let all = try LogEvent.decode(lines: block.bytes)
        let found = try block.prefix(through: Offset(offset)).map { try LogEvent.decode(lines: $0.bytes) } ?? []
        #expect(found == all.filter { $0.offset <= Offset(offset) })
    }

    @Test("cut to a size holds whole events, at least one", arguments: 1...300)
    func limit(bytes: Int) throws {
        let block = try #require(Self.sample)
        let head = block.prefix(limit: bytes)
        #expect(head.first == block.first)
        #expect(head.bytes.readableBytes <= bytes || head.count == 1)
        #expect(try LogEvent.decode(lines: head.bytes).count == head.count)
        if let rest = block.suffix(after: head.last) {
            #expect(head.bytes.readableBytes + rest.prefix(limit: 1).bytes.readableBytes > bytes)
            #expect(String(buffer: head.bytes) + String(buffer: rest.bytes) == String(buffer: block.bytes))
        }
    }

    @Test("cut into pieces is the same events, each piece as large as fits", arguments: 1...300)
    func pieces(bytes: Int) throws {
        let block = try #require(Self.sample)
        let pieces = block.pieces(limit: bytes)
        var rest: EventBlock? = block
        for piece in pieces {
            #expect(piece == rest?.prefix(limit: bytes))
            rest = rest?.suffix(after: piece.last)
        }
        #expect(rest == nil && pieces.last?.last == block.last)
    }
}
