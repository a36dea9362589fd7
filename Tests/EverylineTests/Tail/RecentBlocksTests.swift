import Everyline
import EverylineTesting
import Testing

@Suite("The newest blocks")
struct RecentBlocksTests {
    private func block(_ text: String, after head: UInt64) throws -> EventBlock {
        try #require(Sample.body([text], after: head).block)
    }

    private func texts(_ found: RecentBlocks.Found) throws -> [String]? {
        if case .blocks(let blocks) = found { return try blocks.texts() }
        return nil
    }

    @Test("are given from any offset that they reach back to")
    func reach() throws {
        var recent = RecentBlocks(limit: 10_000)
        for head in UInt64(5)..<9 { recent.add(try block("\(head + 1)", after: head)) }
        #expect(try texts(recent.blocks(after: Offset(5), limit: 10_000)) == ["6", "7", "8", "9"])
        #expect(try texts(recent.blocks(after: Offset(8), limit: 10_000)) == ["9"])
        #expect(try texts(recent.blocks(after: Offset(6), limit: 1)) == ["7"])
        #expect(recent.blocks(after: Offset(9), limit: 1).isUpToDate)
        for offset in [UInt64(4), 10] { #expect(recent.blocks(after: Offset(offset), limit: 1).isUnknown) }
    }

    @Test("of which the oldest go beyond the limit, never the newest")
    func limit() throws {
        var recent = RecentBlocks(limit: 500)
        for head in UInt64(0)..<100 {
            recent.add(try block(String(repeating: "x", count: 100), after: head))
            #expect(try texts(recent.blocks(after: Offset(head), limit: 1))?.count == 1)
        }
        #expect(recent.blocks(after: Offset(90), limit: 1).isUnknown, "too much is kept")
        recent.add(try block(String(repeating: "x", count: 1000), after: 100))
        #expect(try texts(recent.blocks(after: Offset(100), limit: 1))?.count == 1)
    }

    @Test("begin anew where a block doesn't follow the one before: there is never a hole")
    func hole() throws {
        var recent = RecentBlocks(limit: 10_000)
        recent.add(try block("1", after: 0))
        recent.add(try block("3", after: 2))
        #expect(recent.blocks(after: .zero, limit: 100).isUnknown, "event 2 is missing")
        #expect(try texts(recent.blocks(after: Offset(2), limit: 100)) == ["3"])
    }
}

extension RecentBlocks.Found {
    var isUnknown: Bool { if case .unknown = self { true } else { false } }
    fileprivate var isUpToDate: Bool { if case .upToDate = self { true } else { false } }
}
