import Everyline
import NIOCore
import Testing

@Suite("A command's input") struct InputBufferTests {
    private static let all = InputBuffer.limit

    private func bytes(_ text: String) -> InputLine { .bytes(ByteBuffer(string: text)) }

    private func text(_ lines: [InputLine]) -> String {
        lines.map { if case .bytes(let bytes) = $0 { String(buffer: bytes) } else { "" } }.joined()
    }

    @Test("is the same however its parts overlap that are written")
    func overlapping() {
        let whole = "abcdefghij"
        for seed in UInt64(0)..<200 {
            var generator = SeededGenerator(seed: seed)
            var buffer = InputBuffer(after: 0)
            while buffer.received < 10 {
                // From any place that isn't beyond what is there.
                let from = Int.random(in: 0...Int(buffer.received), using: &generator)
                let to = Int.random(in: from...10, using: &generator)
                let part = whole.dropFirst(from).prefix(to - from)
                let cut = Int.random(in: 0...part.count, using: &generator)
                _ = buffer.write(
                    [bytes(String(part.prefix(cut))), bytes(String(part.dropFirst(cut)))], after: UInt64(from),
                    room: Int.random(in: 0...5, using: &generator))
            }
            #expect(text(buffer.lines(after: 0, size: nil, limit: 100)) == whole)
        }
    }

    @Test("is read again from any place that the reader hasn't passed, and from no earlier one")
    func reading() {
        var buffer = InputBuffer(after: 0)
        _ = buffer.write([bytes("abcdef")], after: 0, room: Self.all)
        #expect(text(buffer.lines(after: 0, size: nil, limit: 4)) == "abcd")
        #expect(text(buffer.lines(after: 0, size: nil, limit: 4)) == "abcd")
        buffer.take(through: 4, isClosed: false)
        #expect(text(buffer.lines(after: 4, size: nil, limit: 4)) == "ef")
        #expect(buffer.lines(after: 0, size: nil, limit: 4).isEmpty)
        buffer.take(through: 2, isClosed: false)
        #expect(buffer.taken == 4)
    }

    @Test(
        "contradicts other bytes at a place where some wait, and nothing else",
        arguments: [
            ("cdef", 2, false), ("cdefgh", 2, false), ("xxcd", 0, false), ("gh", 6, false), ("x", 9, false),
            ("", 3, false), ("ab", 0, false),
            ("cxef", 2, true), ("cdexgh", 2, true), ("abx", 0, true), ("x", 5, true),
        ])
    func contradicting(text: String, after: UInt64, contradicts: Bool) {
        var buffer = InputBuffer(after: 0)
        _ = buffer.write([bytes("abcdef")], after: 0, room: Self.all)
        buffer.take(through: 2, isClosed: false)
        #expect(buffer.contradicts([bytes(text), .end], after: after) == contradicts)
        // However it is cut.
        for cut in 0...text.count {
            let parts = [bytes(String(text.prefix(cut))), bytes(String(text.dropFirst(cut)))]
            #expect(buffer.contradicts(parts, after: after) == contradicts)
        }
        #expect(!buffer.contradicts([bytes(text)], after: .max))
    }

    @Test("has no holes: what lies beyond one isn't taken, nor an end there")
    func holes() {
        var buffer = InputBuffer(after: 0)
        let isNew = buffer.write([bytes("x"), .end], after: 3, room: Self.all)
        #expect(!isNew)
        #expect(buffer.received == 0 && !buffer.isEnded)
    }

    @Test("has as much as its limit that isn't read, and takes the rest and the end when there is room")
    func limit() {
        var buffer = InputBuffer(after: 0)
        let long = InputLine.bytes(ByteBuffer(repeating: 7, count: InputBuffer.limit + 5))
        _ = buffer.write([long, .end], after: 0, room: .max)
        #expect(buffer.count == InputBuffer.limit && !buffer.isEnded)
        buffer.take(through: 10, isClosed: false)
        let isNew = buffer.write([long, .end], after: 0, room: .max)
        #expect(isNew)
        #expect(buffer.received == UInt64(InputBuffer.limit + 5) && buffer.isEnded)
    }

    @Test("ends behind its last byte, once")
    func end() {
        var buffer = InputBuffer(after: 0)
        let news = [
            buffer.write([bytes("ab"), .end], after: 0, room: Self.all),
            buffer.write([.end], after: 2, room: Self.all),
            buffer.write([bytes("more")], after: 2, room: Self.all),
        ]
        #expect(news == [true, false, false])
        #expect(buffer.lines(after: 0, size: nil, limit: 1) == [bytes("a")])
        #expect(buffer.lines(after: 0, size: nil, limit: 2) == [bytes("ab"), .end])
    }

    @Test("takes nothing and holds nothing once the command takes no more")
    func closed() {
        var buffer = InputBuffer(after: 0)
        _ = buffer.write([bytes("abc")], after: 0, room: Self.all)
        buffer.take(through: 1, isClosed: true)
        let isNew = buffer.write([bytes("d")], after: 3, room: Self.all)
        #expect(!isNew)
        #expect(buffer.isClosed && buffer.count == 0 && buffer.taken == 3)
    }

    @Test("goes on where the reader is, if the server has forgotten all before")
    func restart() {
        var buffer = InputBuffer(after: 0)
        _ = buffer.write([bytes("abc")], after: 0, room: Self.all)
        buffer.take(through: 100, isClosed: false)
        #expect(buffer.taken == 100 && buffer.received == 100 && buffer.count == 0)
        let isNew = buffer.write([bytes("xyz")], after: 99, room: Self.all)
        #expect(isNew)
        #expect(text(buffer.lines(after: 100, size: nil, limit: 9)) == "yz")
    }

    @Test("knows the hash of what the reader has, if all of it was here")
    func hash() {
        var buffer = InputBuffer(after: 0)
        var expected = InputHash()
        #expect(buffer.hash?.text == expected.text)
        _ = buffer.write([bytes("abcdef")], after: 0, room: Self.all)
        for place: UInt64 in [2, 5] { buffer.take(through: place, isClosed: false) }
        guard case .bytes(let read) = bytes("abcde") else { return }
        expected.add(read)
        #expect(buffer.hash?.text == expected.text)
        // SHA-256 of "abcde", by sha256sum.
        #expect(expected.text == "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c")
        var closed = buffer
        closed.take(through: 6, isClosed: true)
        #expect(closed.hash == nil)
        buffer.take(through: 100, isClosed: false)
        #expect(buffer.hash == nil)
    }

    @Test("has the newest size of the terminal, for a reader that has another one")
    func size() {
        var buffer = InputBuffer(after: 0)
        let (small, large) = (TerminalSize(columns: 2, rows: 1), TerminalSize(columns: 20, rows: 10))
        let first = buffer.write([.size(small), .size(large)], after: 0, room: 0)
        let second = buffer.write([.size(large)], after: 0, room: 0)
        #expect(first && !second)
        #expect(buffer.lines(after: 0, size: small, limit: 1) == [.size(large)])
        #expect(buffer.lines(after: 0, size: large, limit: 1).isEmpty)
    }

    @Test("is written and read as the same lines", arguments: [0, 1, 2, 3, 4, 255, 256, 1000])
    func lines(count: Int) throws {
        let lines: [InputLine] = [
            .bytes(ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) })),
            .size(TerminalSize(columns: 120, rows: 40)), .end,
        ]
        #expect(try InputLine.parse(InputLine.body(lines)) == lines)
    }
}
