import Everyline
import Testing

@Suite("The append rule")
struct AppendRuleTests {
    private static let execution = ExecutionID("e")

    private func append(_ count: Int, after head: UInt64, ends: Bool = false) throws -> LogAppend {
        var encoder = BlockEncoder(after: Offset(head))
        for _ in 0..<count { encoder.appendLine(LogLine(message: "x"), timestamp: .epoch) }
        let outcome = ExecutionOutcome(status: .succeeded, exitCode: 0)
        if ends { encoder.appendEnd(outcome, timestamp: .epoch) }
        let body = AppendBody(block: encoder.finish(), outcome: ends ? outcome : nil, hasLines: count > 0)
        return LogAppend(body, to: try #require(Self.execution), after: Offset(head))
    }

    private func head(_ offset: UInt64, isEnded: Bool = false, bytes: Int = 0) -> LogHead {
        LogHead(offset: Offset(offset), isEnded: isEnded, bytes: bytes)
    }

    @Test("adds what follows the head")
    func adds() throws {
        let append = try append(3, after: 4)
        #expect(AppendRule.decide(append, at: head(4), limit: 1) == .add(try #require(append.body.block)))
    }

    @Test("adds only what the log doesn't hold yet", arguments: UInt64(5)...6)
    func overlap(at offset: UInt64) throws {
        let append = try append(3, after: 4)
        let rest = try #require(append.body.block?.suffix(after: Offset(offset)))
        #expect(AppendRule.decide(append, at: head(offset), limit: 1) == .add(rest))
    }

    @Test("takes a retry for what it is, even after the end", arguments: [false, true], UInt64(7)...9)
    func retry(isEnded: Bool, at offset: UInt64) throws {
        #expect(AppendRule.decide(try append(3, after: 4), at: head(offset, isEnded: isEnded), limit: 1) == .held)
    }

    @Test("refuses what the log has not reached")
    func early() throws {
        #expect(
            AppendRule.decide(try append(1, after: 5), at: head(4), limit: 1)
                == .refuse(.outOfOrder(head: Offset(4))))
    }

    @Test("refuses what would follow the end")
    func ended() throws {
        #expect(
            AppendRule.decide(try append(2, after: 3), at: head(4, isEnded: true), limit: 1)
                == .refuse(.ended(head: Offset(4))))
    }

    @Test("at the limit refuses lines and takes the end")
    func full() throws {
        let full = head(4, bytes: 100)
        #expect(
            AppendRule.decide(try append(1, after: 4), at: full, limit: 100) == .refuse(.logFull(head: Offset(4))))
        #expect(AppendRule.decide(try append(1, after: 4), at: full, limit: 101) != .refuse(.logFull(head: Offset(4))))
        let end = try append(0, after: 4, ends: true)
        #expect(AppendRule.decide(end, at: full, limit: 100) == .add(try #require(end.body.block)))
    }
}
