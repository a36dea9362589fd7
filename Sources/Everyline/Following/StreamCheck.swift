public import NIOCore

/// Proves that nothing is missing: takes a stream's messages and lets through exactly c+1, c+2, … up to the `end`
/// event.
///
/// Events that were let through before are dropped and counted: a server may repeat, it must not skip. Only the first
/// bytes of a line are read, unless it is of another form than usual.
public struct StreamCheck: Sendable {
    /// The last event that is known; `nil` before the first, where the stream may begin anywhere.
    public private(set) var last: Offset?
    /// Whether an event was let through.
    public private(set) var hasReceived = false
    /// What the `end` event said. Nothing may follow it.
    public private(set) var outcome: ExecutionOutcome?
    /// How many events came again.
    public private(set) var repeated = 0

    public init(from start: StreamStart) {
        switch start {
        case .after(let offset): last = offset
        case .notOlderThan: last = nil
        }
    }

    /// What was in a message.
    public struct Finding: Sendable, Equatable {
        /// The events that follow; `nil` if there were none.
        public var block: ReceivedBlock?
        /// The log's head, from a heartbeat.
        public var head: Offset?
        /// What is known of the line behind the block's events, if the server spoke of it; empty if there is none.
        public var pending: PendingLine?
        /// What the server says beside the log.
        public var notice: String?
        /// What must be forgotten, if a backup was put back since this stream's incarnation. Nothing follows.
        public var restoration: Restoration?
        /// What is wrong behind the block's events. The stream can't be used any further.
        public var fault: StreamFault?

        /// Whether the server goes on with what the client has: it has said something, and neither that a restore took
        /// events back nor what leaves a hole at once.
        package var confirmsResumption: Bool { restoration == nil && (fault == nil || block != nil) }

        package init(
            block: ReceivedBlock? = nil, head: Offset? = nil, pending: PendingLine? = nil, notice: String? = nil,
            fault: StreamFault? = nil
        ) {
            self.block = block
            self.head = head
            self.pending = pending
            self.notice = notice
            self.fault = fault
        }
    }

    /// Forgets what came after this offset: other events will come in the place of those.
    package mutating func forget(after offset: Offset) {
        guard let last, last > offset else { return }
        self.last = offset
        outcome = nil
    }

    /// Takes one message: event lines joined by `\n`, or control lines; a last newline may stand or be missing.
    public mutating func take(_ message: ByteBuffer) -> Finding {
        var finding = Finding()
        var taken = Taken()
        message.withUnsafeReadableBytes { bytes in
            var position = 0
            while position < bytes.count, finding.fault == nil {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                if end > position { takeLine(bytes, position, end, into: &taken, &finding) }
                position = end + 1
            }
        }
        if let first = taken.first, let last {
            finding.block = ReceivedBlock(first: first, last: last, outcome: outcome, bytes: taken.bytes(of: message))
        }
        return finding
    }

    private mutating func takeLine(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, into taken: inout Taken, _ finding: inout Finding
    ) {
        if let prefix = EventLinePrefix(bytes, from: start, to: end), prefix.isOutput {
            accept(Offset(prefix.offset), start..<end, into: &taken, &finding)
            return
        }
        switch try? StreamLine(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) {
        case .event(let event):
            guard accept(event.offset, start..<end, into: &taken, &finding) else { return }
            if case .end(let outcome) = event.content { self.outcome = outcome }
        case .heartbeat(let head): finding.head = head
        // One that stands elsewhere is none: it says nothing of what has been received. A stream that may begin
        // anywhere may begin there.
        case .pending(let line) where last == nil || line.after == last: finding.pending = line
        case .pending: break
        case .restored(let restoration): finding.restoration = restoration
        case .notice(let code, let message): finding.notice = "\(message) (\(code))"
        case nil: finding.fault = .malformed
        }
    }

    /// Lets the event through if it is the next one.
    @discardableResult
    private mutating func accept(
        _ offset: Offset, _ range: Range<Int>, into taken: inout Taken, _ finding: inout Finding
    ) -> Bool {
        if let last, offset <= last {
            // Before the first event there is nothing that could come again: the server gave what wasn't asked for,
            // which is dropped just the same.
            repeated += 1
            return false
        }
        if outcome != nil {
            finding.fault = .afterEnd
            return false
        }
        if let last, offset != last.next {
            finding.fault = .hole(wanted: last.next, got: offset)
            return false
        }
        last = offset
        hasReceived = true
        // It was of the line that this event has become.
        finding.pending = nil
        taken.add(range, offset)
        return true
    }

    /// The lines of a message that were let through.
    private struct Taken {
        var first: Offset?
        var ranges: [Range<Int>] = []

        mutating func add(_ range: Range<Int>, _ offset: Offset) {
            if first == nil { first = offset }
            if let previous = ranges.last, previous.upperBound + 1 == range.lowerBound {
                ranges[ranges.count - 1] = previous.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }

        /// A slice of the message if they stand together, which is the rule; else a copy.
        func bytes(of message: ByteBuffer) -> ByteBuffer {
            var joined: ByteBuffer?
            for range in ranges {
                guard let slice = message.getSlice(at: message.readerIndex + range.lowerBound, length: range.count)
                else {
                    preconditionFailure("a line lies outside of its message")
                }
                if joined == nil {
                    joined = slice
                } else {
                    joined?.writeInteger(UInt8(ascii: "\n"))
                    joined?.writeImmutableBuffer(slice)
                }
            }
            return joined ?? ByteBuffer()
        }
    }
}
