import Everyline
import NIOCore
import Testing

@Suite("The append rule")
struct AppendRuleTests {
    private static let execution = ExecutionID("e")

    private func append(_ block: EventBlock?, after head: UInt64) throws -> LogAppend {
        LogAppend(AppendBody(block: block, hasLines: true), to: try #require(Self.execution), after: Offset(head))
    }

    /// What the rule decides where the log holds `held`, shown in steps of one event.
    private func decide(
        _ append: LogAppend, _ held: EventBlock? = nil, at head: LogHead, limit: ByteCount = .max
    ) -> AppendRule.Decision {
        var rule = AppendRule(append, at: head, limit: limit)
        while let wanted = rule.wanted {
            guard let next = held?.suffix(after: wanted.offset)?.prefix(limit: 1) else { break }
            rule.compare(next)
        }
        return rule.decision
    }

    private func head(_ offset: UInt64, isEnded: Bool = false, bytes: Int = 0) -> LogHead {
        LogHead(offset: Offset(offset), isEnded: isEnded, bytes: bytes)
    }

    @Test("adds what follows the head")
    func adds() throws {
        let block = block(after: 4, .line("a"), .line("b"))
        #expect(decide(try append(block, after: 4), at: head(4)) == .add(block))
    }

    @Test("adds only what the log doesn't hold yet", arguments: UInt64(5)...6)
    func overlap(at offset: UInt64) throws {
        let body = block(after: 4, .line("a"), .line("b"), .line("c"))
        let held = body.prefix(through: Offset(offset))
        let rest = try #require(body.suffix(after: Offset(offset)))
        #expect(decide(try append(body, after: 4), held, at: head(offset)) == .add(rest))
    }

    @Test("takes a retry for what it is, even after the end", arguments: [false, true], UInt64(7)...9)
    func retry(isEnded: Bool, at offset: UInt64) throws {
        let held = block(after: 4, .line("a"), .line("b"), .line("c"), .line("d"), .line("e"))
        let body = held.prefix(through: Offset(7))
        #expect(decide(try append(body, after: 4), held, at: head(offset, isEnded: isEnded)) == .held)
        #expect(decide(try append(nil, after: 4), at: head(offset, isEnded: isEnded)) == .held)
    }

    @Test(
        "refuses what differs from what the log holds",
        arguments: [
            .line("other"), .line("a", .stdout), .line("a", isPartial: true), .notice("a", "a"),
            .end(.succeeded, 0),
        ] as [Sent])
    func different(sent: Sent) throws {
        let held = block(after: 4, .line("a"), .line("b"))
        let append = try append(block(after: 4, sent), after: 4)
        #expect(decide(append, held, at: head(6)) == .refuse(.differentContent(head: Offset(6))))
    }

    @Test(
        "refuses another end as what comes too late",
        arguments: [.end(.failed, 0), .end(.succeeded, 1), .end(.succeeded, nil), .line("a")] as [Sent])
    func anotherEnd(sent: Sent) throws {
        let held = block(after: 4, .end(.succeeded, 0))
        let append = try append(block(after: 4, sent), after: 4)
        #expect(decide(append, held, at: head(5, isEnded: true)) == .refuse(.ended(head: Offset(5))))
    }

    @Test("compares no times, no ids and no escapes")
    func whatDoesNotCount() throws {
        var held = BlockEncoder(after: .zero)
        held.appendLine(LogLine(message: "é/\t\u{1F600}", eventID: "1"), timestamp: Timestamp(milliseconds: 1))
        let sent = #"{"timestamp":2,"event_id":"2","message":"\u00e9\/\u0009\ud83d\ude00"}"#
        let body = try AppendBody(ndjson: ByteBuffer(string: sent), after: .zero)
        let append = LogAppend(body, to: try #require(Self.execution), after: .zero)
        #expect(decide(append, held.finish(), at: head(1)) == .held)
    }

    @Test("compares lines that were cut elsewhere by their whole text")
    func cutElsewhere() throws {
        let held = block(
            after: 0, .line("ab", isPartial: true), .line("cd", isPartial: true), .line("e"), .line("f"))
        let once = try append(block(after: 0, .line("abcde")), after: 0)
        #expect(decide(once, held, at: head(4)) == .held)
        let elsewhere = try append(
            block(after: 0, .line("a", isPartial: true), .line("bcde", isPartial: true), .line(""), .line("f")),
            after: 0)
        #expect(decide(elsewhere, held, at: head(4)) == .held)
        let other = try append(block(after: 0, .line("abcd"), .line("e")), after: 0)
        #expect(decide(other, held, at: head(4)) == .refuse(.differentContent(head: Offset(4))))
    }

    @Test("gives what follows lines that were cut elsewhere the offsets behind the head")
    func restOfCutElsewhere() throws {
        let whole = try append(block(after: 0, .line("abcd"), .line("e"), .end(.succeeded, 0)), after: 0)
        let parts = block(after: 0, .line("ab", isPartial: true), .line("cd"))
        let rest = block(after: 2, .line("e"), .end(.succeeded, 0))
        #expect(decide(whole, parts, at: head(2)) == .add(rest))
        let first = try #require(parts.prefix(through: Offset(1)))
        let tail = block(after: 1, .line("cd"), .line("e"), .end(.succeeded, 0))
        #expect(decide(whole, first, at: head(1)) == .add(tail))
    }

    @Test("refuses what the log has not reached")
    func early() throws {
        let append = try append(block(after: 5, .line("a")), after: 5)
        #expect(decide(append, at: head(4)) == .refuse(.outOfOrder(head: Offset(4))))
    }

    @Test("refuses what would follow the end")
    func ended() throws {
        let held = block(after: 3, .end(.succeeded, 0))
        let body = block(after: 3, .line("a"), .line("b"))
        #expect(
            decide(try append(body, after: 3), held, at: head(4, isEnded: true))
                == .refuse(.ended(head: Offset(4))))
    }

    @Test("at the limit refuses lines and takes the end")
    func full() throws {
        let full = head(4, bytes: 100)
        let lines = try append(block(after: 4, .line("a")), after: 4)
        #expect(decide(lines, at: full, limit: 100) == .refuse(.logFull(head: Offset(4))))
        #expect(decide(lines, at: full, limit: 101) != .refuse(.logFull(head: Offset(4))))
        let end = block(after: 4, .end(.succeeded, 0))
        let append = LogAppend(AppendBody(block: end), to: try #require(Self.execution), after: Offset(4))
        #expect(decide(append, at: full, limit: 100) == .add(end))
    }

    @Test("reads no more than the body has, and large bodies in steps")
    func bounded() throws {
        let text = String(repeating: "x", count: 100_000)
        let body = block(after: 0, .line(text), .line(text), .line(text), .line(text))
        var rule = AppendRule(try append(body, after: 0), at: head(4), limit: .max)
        var steps = 0
        while let wanted = rule.wanted {
            #expect(wanted.limit <= 256 * 1024)
            rule.compare(try #require(body.suffix(after: wanted.offset)?.prefix(limit: wanted.limit)))
            steps += 1
        }
        #expect(steps == 2)
        #expect(rule.decision == .held)
        let small = AppendRule(try append(block(after: 0, .line("x")), after: 0), at: head(4), limit: .max)
        #expect(try #require(small.wanted).limit < 100)
    }
}

/// An event of a body, as little of it as a comparison needs.
enum Sent: Sendable {
    case line(String, LogLine.Stream? = nil, isPartial: Bool = false)
    case notice(String, String)
    case end(ExecutionStatus, Int32?)
}

private func block(after head: UInt64, _ events: Sent...) -> EventBlock {
    var encoder = BlockEncoder(after: Offset(head))
    for event in events {
        switch event {
        case .line(let text, let stream, let isPartial):
            encoder.appendLine(LogLine(message: text, stream: stream, isPartial: isPartial), timestamp: .epoch)
        case .notice(let code, let message):
            encoder.appendNotice(code: code, message: message, timestamp: .epoch)
        case .end(let status, let exitCode):
            encoder.appendEnd(ExecutionOutcome(status: status, exitCode: exitCode), timestamp: .epoch)
        }
    }
    guard let block = encoder.finish() else { preconditionFailure("a block of nothing") }
    return block
}
