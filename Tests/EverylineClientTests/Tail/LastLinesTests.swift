import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A log's last lines") struct LastLinesTests {
    /// Events by a letter each: a line, a part of one, a notice, the end.
    private func block(_ kinds: String, from first: UInt64) throws -> ReceivedBlock {
        let lines = kinds.enumerated().map { index, kind in
            let start = "{\"offset\":\(first + UInt64(index)),\"timestamp\":1,"
            return switch kind {
            case "p": start + "\"message\":\"part\",\"partial\":true}"
            case "n": start + "\"type\":\"notice\",\"code\":\"c\",\"message\":\"m\"}"
            case "e": start + "\"type\":\"end\",\"status\":\"SUCCEEDED\",\"exit_code\":0}"
            default: start + "\"message\":\"line\"}"
            }
        }
        var check = StreamCheck(from: .after(Offset(first - 1)))
        return try #require(check.take(ByteBuffer(lines: lines)).block)
    }

    @Test(
        "are counted as lines, in a whole log",
        arguments: [
            ("lll", 1, 2), ("lll", 3, 0), ("llle", 1, 2), ("lpple", 1, 1), ("lpple", 2, 0), ("lpplnnne", 1, 1),
            ("lpnpl", 1, 1), ("lpp", 1, 1), ("lpp", 2, 0), ("nll", 2, 1),
        ] as [(String, Int, UInt64)])
    func whole(kinds: String, count: Int, start: UInt64) throws {
        var lines = LastLines(count, isWhole: true)
        try lines.take(block(kinds, from: 1))
        #expect(lines.start == Offset(start))
    }

    @Test("are not found in a part that may begin within the first of them")
    func part() throws {
        for (kinds, count, start) in [
            ("lll", 3, nil), ("lll", 2, 10), ("ppl", 1, nil), ("ppll", 1, 12), ("nll", 1, 11), ("nnn", 1, nil),
        ] as [(String, Int, UInt64?)] {
            var lines = LastLines(count, isWhole: false)
            try lines.take(block(kinds, from: 10))
            #expect(lines.start == start.map { Offset($0) }, "\(kinds) \(count)")
        }
    }

    @Test("go over blocks, of which none is kept")
    func blocks() throws {
        var lines = LastLines(2, isWhole: true)
        for (index, kinds) in ["lp", "p", "pl", "lp", "l"].enumerated() {
            try lines.take(block(kinds, from: [1, 3, 4, 6, 8][index]))
        }
        #expect(lines.start == Offset(5))
    }
}
