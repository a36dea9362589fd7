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
        guard case .upToDate = recent.blocks(after: Offset(9), limit: 1) else {
            return #expect(Bool(false), "nothing follows the head")
        }
        for offset in [UInt64(4), 10] {
            guard case .unknown = recent.blocks(after: Offset(offset), limit: 1) else {
                return #expect(Bool(false), "\(offset) is not within")
            }
        }
    }

    @Test("of which the oldest go beyond the limit, never the newest")
    func limit() throws {
        var recent = RecentBlocks(limit: 500)
        for head in UInt64(0)..<100 {
            recent.add(try block(String(repeating: "x", count: 100), after: head))
            #expect(try texts(recent.blocks(after: Offset(head), limit: 1))?.count == 1)
        }
        guard case .unknown = recent.blocks(after: Offset(90), limit: 1) else {
            return #expect(Bool(false), "too much is kept")
        }
        recent.add(try block(String(repeating: "x", count: 1000), after: 100))
        #expect(try texts(recent.blocks(after: Offset(100), limit: 1))?.count == 1)
    }

    @Test("begin anew where a block doesn't follow the one before: there is never a hole")
    func hole() throws {
        var recent = RecentBlocks(limit: 10_000)
        recent.add(try block("1", after: 0))
        recent.add(try block("3", after: 2))
        guard case .unknown = recent.blocks(after: .zero, limit: 100) else {
            return #expect(Bool(false), "event 2 is missing")
        }
        #expect(try texts(recent.blocks(after: Offset(2), limit: 100)) == ["3"])
    }
}
