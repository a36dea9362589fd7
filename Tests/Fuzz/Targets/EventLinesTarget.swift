@testable import Everyline
@testable import EverylineClient
import NIOCore

extension FuzzTarget {
    /// An event's line as a client reads it: as Foundation does, the same on every way, and encoded again it is itself.
    static let eventLines = FuzzTarget(name: "event-lines") { input in
        for line in input.bytes.lines {
            guard let event = line.withUnsafeReadableBytes({ try? LogEvent(line: $0) }) else { continue }
            _ = event.timestamp.text
            try EventLineChecks.compare(event, withReference: line)
            try EventLineChecks.roundTrip(event)
            try EventLineChecks.print(event, line)
        }
        _ = try? StreamLine.decode(message: input.bytes)
        EventLineChecks.checkPrefix(of: input.bytes)
    }
}

private enum EventLineChecks {
    static func compare(_ event: LogEvent, withReference line: ByteBuffer) throws {
        if line.mayHoldLoneSurrogates { return }
        let reference = try ReferenceEvent(line)
        expect(reference.timestamp == event.timestamp.milliseconds, "the timestamp is what Foundation reads")
        expect(reference.offset == Int64(event.offset.rawValue), "the offset is what Foundation reads")
        switch event.content {
        case .line(let line):
            expect(line.message == reference.message, "the message is what Foundation reads")
            expect(line.stream?.rawValue == reference.stream, "the stream is what Foundation reads")
            expect(line.isPartial == reference.partial ?? false, "partial is what Foundation reads")
            expect(line.eventID == reference.event_id, "the event's id is what Foundation reads")
        case .notice(let code, let message):
            expect(code == reference.code && message == reference.message, "a notice is what Foundation reads")
        case .end(let outcome):
            expect(outcome.status.rawValue == reference.status, "the status is what Foundation reads")
            expect(outcome.exitCode == reference.exit_code, "the exit code is what Foundation reads")
            expect(outcome.reason?.rawValue == reference.reason, "the reason is what Foundation reads")
            expect(outcome.isVerified == reference.verified, "verified is what Foundation reads")
        }
    }

    static func roundTrip(_ event: LogEvent) throws {
        var encoder = BlockEncoder(after: Offset(event.offset.rawValue - 1))
        switch event.content {
        case .line(let line): encoder.appendLine(line, timestamp: event.timestamp)
        case .notice(let code, let message):
            encoder.appendNotice(code: code, message: message, timestamp: event.timestamp)
        case .end(let outcome): encoder.appendEnd(outcome, timestamp: event.timestamp)
        }
        guard let block = encoder.finish() else { return expect(false, "a block holds what was added") }
        let decoded = try LogEvent.decode(lines: block.bytes)
        expect(decoded == [event], "an event that is encoded and decoded is itself")
        var isLine = false
        if case .line = event.content { isLine = true }
        let isOutput = block.bytes.withUnsafeReadableBytes { bytes in
            EventLinePrefix(bytes, from: 0, to: bytes.count - 1)?.isOutput ?? isLine
        }
        expect(isOutput == isLine, "the first bytes that a server writes say whether it is output")
    }

    /// The printer has a way of its own for the usual lines, which never decodes them.
    static func print(_ event: LogEvent, _ line: ByteBuffer) throws {
        let block = ReceivedBlock(first: event.offset, last: event.offset, outcome: nil, bytes: line)
        var printer = LogPrinter(LogPrinter.Style())
        let printed = try printer.text(block)
        if case .line(let line) = event.content {
            let expected = line.message + (line.isPartial ? "" : "\n")
            expect(printed == ByteBuffer(string: expected), "both ways of printing print the message")
        }
        var dated = LogPrinter(LogPrinter.Style(timestamps: true, colours: true))
        _ = try dated.text(block)
        let stored = EventBlock(
            first: event.offset, last: event.offset, latest: event.timestamp, endsLog: false,
            bytes: ByteBuffer(string: String(buffer: line) + "\n"))
        var text = ByteBuffer()
        try stored.writeText(into: &text)
        if case .line = event.content { expect(text == printed, "server and client print the same") }
    }

    /// A line of the usual form is not decoded, so what its first bytes say must be what they mean.
    static func checkPrefix(of text: ByteBuffer) {
        text.withUnsafeReadableBytes { bytes in
            guard let prefix = EventLinePrefix(bytes, from: 0, to: bytes.count),
                let event = try? LogEvent(line: bytes)
            else { return }
            expect(prefix.offset == event.offset.rawValue, "the first bytes say the event's offset")
            guard prefix.isOutput else { return }
            guard case .line = event.content else { return expect(false, "what is taken for output is a line") }
        }
    }
}
