import Everyline
@testable import EverylineClient
import NIOCore
import Testing

@Suite("A received block") struct ReceivedBlockTests {
    private func block() throws -> ReceivedBlock {
        var check = StreamCheck(from: .after(Offset(2)))
        return try #require(check.take(ByteBuffer(lines: Lines.lines(3...5) + [Lines.end(6)])).block)
    }

    @Test("is cut behind an event", arguments: 3...8 as ClosedRange<UInt64>)
    func prefix(through offset: UInt64) throws {
        let block = try block()
        let cut = try #require(block.prefix(through: Offset(offset)))
        #expect(try cut.events().map(\.offset.rawValue) == Array(3...min(offset, 6)))
        #expect(cut.last.rawValue == min(offset, 6))
        #expect((cut.outcome != nil) == (offset >= 6))
    }

    @Test("has nothing up to an offset before it")
    func before() throws { #expect(try block().prefix(through: Offset(2)) == nil) }
}

@Suite("Lines out of pieces") struct LineAssemblerTests {
    @Test("come whole, however the bytes are cut", arguments: 1...12)
    func cuts(size: Int) {
        let text = "one\ntwo\n\nthree and more\nfour\n"
        var assembler = LineAssembler(limit: 100)
        var got = ""
        for start in stride(from: 0, to: text.utf8.count, by: size) {
            let piece = Array(text.utf8)[start..<min(start + size, text.utf8.count)]
            if let whole = assembler.add(ByteBuffer(bytes: piece)) { got += whole.text + "\n" }
        }
        #expect(got == text)
        #expect(!assembler.isWithinLine)
    }

    @Test("show that the last one was cut, and that one is too long")
    func rest() {
        var assembler = LineAssembler(limit: 4)
        #expect(assembler.add(ByteBuffer(string: "a\nb"))?.text == "a")
        #expect(assembler.isWithinLine)
        #expect(assembler.isWithinLimit)
        #expect(assembler.add(ByteBuffer(string: "cdef")) == nil)
        #expect(!assembler.isWithinLimit)
    }
}
