public import NIOCore

/// Consecutive events of one log, as a client got them: checked to follow what came before, not decoded.
public struct ReceivedBlock: Sendable, Equatable {
    public let first: Offset
    public let last: Offset
    /// The execution's outcome, if the last event is the log's `end`.
    public let outcome: ExecutionOutcome?
    /// The events' lines, joined by `\n`; none stands behind the last.
    public let bytes: ByteBuffer

    package init(first: Offset, last: Offset, outcome: ExecutionOutcome?, bytes: ByteBuffer) {
        precondition(first <= last, "a block of the events \(first) to \(last)")
        self.first = first
        self.last = last
        self.outcome = outcome
        self.bytes = bytes
    }

    /// How many events there are; at least one.
    public var count: Int { last.distance(from: first) + 1 }

    /// Decodes the events.
    ///
    /// - Throws: `LogEventDecodingError`: only the offsets have been looked at before.
    public func events() throws -> [LogEvent] { try LogEvent.decode(lines: bytes) }

    /// The events up to this offset; `nil` if there are none.
    public func prefix(through offset: Offset) -> ReceivedBlock? {
        if offset >= last { return self }
        guard offset >= first else { return nil }
        let length = bytes.withUnsafeReadableBytes { bytes in
            var position = 0
            for _ in 0...offset.distance(from: first) {
                position = (bytes.firstNewline(from: position) ?? bytes.count) + 1
            }
            return position - 1
        }
        guard let head = bytes.getSlice(at: bytes.readerIndex, length: length) else { return nil }
        return ReceivedBlock(first: first, last: offset, outcome: nil, bytes: head)
    }
}
