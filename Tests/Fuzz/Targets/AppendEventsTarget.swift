@testable import Everyline
import NIOCore

extension FuzzTarget {
    /// The body of an append as NDJSON: what is taken is what Foundation reads, and the block holds just that.
    static let appendEvents = FuzzTarget(name: "append-events") { input in
        let body: AppendBody
        do {
            body = try AppendBody(ndjson: input.bytes, after: AppendChecks.head, lineLimit: AppendChecks.limit)
        } catch let error as AppendSyntaxError {
            return try AppendChecks.checkRefusal(error, of: input.bytes)
        }
        try AppendChecks.check(body, of: input.bytes)
    }
}

private enum AppendChecks {
    static let head = Offset(7)
    /// Short, so that short inputs are cut.
    static let limit: ByteCount = 16

    static func check(_ body: AppendBody, of input: ByteBuffer) throws {
        var stored = (body.block?.bytes.lines ?? [ByteBuffer()])[...]
        expect(stored.popLast()?.readableBytes == 0, "each line of a block has its newline")
        expect(stored.count == body.block?.count ?? 0, "a block holds as many lines as its offsets say")
        var offset = head
        for line in input.lines where !line.isBlank {
            if line.mayHoldLoneSurrogates { return }
            let sent = try ReferenceEvent(line)
            var message: String?
            repeat {
                guard let next = stored.popFirst() else { return expect(false, "each event is in the block") }
                let part = try ReferenceEvent(next)
                offset = offset.next
                expect(part.offset == Int64(offset.rawValue), "offsets are dense")
                if part.type == nil { expect(part.message?.utf8.count ?? 0 <= limit, "no message is beyond the limit") }
                message = part.message.map { (message ?? "") + $0 } ?? message
                expect(part.matches(sent), "an event keeps its fields")
                if part.partial != true || sent.partial == true && message?.utf8.count == sent.message?.utf8.count {
                    expect(part.partial == sent.partial || sent.partial == false, "the last part is what was sent")
                    break
                }
            } while true
            expect(message == sent.message, "an event keeps its message")
        }
        expect(stored.isEmpty, "nothing is in the block that wasn't sent")
        let events = try body.block.map { try LogEvent.decode(lines: $0.bytes) } ?? []
        expect(events.last?.outcome == body.outcome, "the outcome is the last event's")
        expect(body.block?.endsLog ?? false == (body.outcome != nil), "a block knows whether it ends the log")
        expect(
            events.map(\.timestamp).max() ?? .epoch == body.block?.latest ?? .epoch, "a block knows its latest time")
    }

    /// Whether it could have been taken: only what our contract refuses, and JSON doesn't, may be refused.
    static func checkRefusal(_ error: AppendSyntaxError, of input: ByteBuffer) throws {
        guard case .json = error.cause else { return }
        let line = input.lines[error.line - 1]
        let isOdd = line.mayBeReadLeniently || line.mayHoldNumbersOfOtherForms
        guard !isOdd, let event = try? ReferenceEvent(line) else { return }
        // Foundation takes `null` for a field that isn't there.
        expect(String(buffer: line).contains("null"), "what Foundation reads as \(event) is JSON for us")
    }
}

extension ReferenceEvent {
    fileprivate func matches(_ sent: ReferenceEvent) -> Bool {
        timestamp == sent.timestamp && stream == sent.stream && event_id == sent.event_id
            && type == (sent.type == "line" ? nil : sent.type) && status == sent.status && exit_code == sent.exit_code
            && reason == sent.reason && (type == nil || code == sent.code)
    }
}

extension LogEvent {
    fileprivate var outcome: ExecutionOutcome? {
        guard case .end(let outcome) = content else { return nil }
        return outcome
    }
}

extension ByteBuffer {
    fileprivate var isBlank: Bool { readableBytesView.allSatisfy { [0x20, 0x09, 0x0D].contains($0) } }

    /// A fraction or an exponent, which Foundation takes for an integer where it is one.
    fileprivate var mayHoldNumbersOfOtherForms: Bool {
        let bytes = readableBytesView
        return bytes.indices.dropLast().contains { index in
            (0x30...0x39).contains(bytes[index])
                && [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[index + 1])
        }
    }
}
