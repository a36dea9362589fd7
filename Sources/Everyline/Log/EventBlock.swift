public import NIOCore

/// Consecutive events of one log as the bytes that are stored and sent: their JSON lines, each with a `\n` behind it.
///
/// A block is cut and joined by bytes. Nothing on the way out decodes it: a message holds no raw newline (JSON escapes
/// it), so a newline is the end of an event.
public struct EventBlock: Sendable, Equatable {
    public let first: Offset
    public let last: Offset
    /// No event of the block is later than this.
    public let latest: Timestamp
    /// Whether the last event is the log's `end`.
    public let endsLog: Bool
    public let bytes: ByteBuffer

    /// - Precondition: `bytes` holds exactly the events `first` to `last`.
    public init(first: Offset, last: Offset, latest: Timestamp, endsLog: Bool, bytes: ByteBuffer) {
        precondition(first <= last && first > .zero, "a block of the events \(first) to \(last)")
        self.first = first
        self.last = last
        self.latest = latest
        self.endsLog = endsLog
        self.bytes = bytes
    }

    public var count: Int { last.distance(from: first) + 1 }

    /// The offset that a reader had who gets this block next.
    public var predecessor: Offset { Offset(first.rawValue - 1) }

    /// The events after `offset`; `nil` if there are none.
    public func suffix(after offset: Offset) -> EventBlock? {
        if offset < first { return self }
        guard offset < last else { return nil }
        let skipped = bytes.withUnsafeReadableBytes { $0.length(ofLines: offset.distance(from: predecessor)) }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: skipped)
        return EventBlock(first: offset.next, last: last, latest: latest, endsLog: endsLog, bytes: rest)
    }

    /// As many whole events from the start as fit into `limit` bytes, but at least one.
    public func prefix(limit: ByteCount) -> EventBlock {
        guard bytes.readableBytes > limit else { return self }
        let (length, count) = bytes.withUnsafeReadableBytes { $0.wholeLines(within: limit) }
        guard count < self.count, let head = bytes.getSlice(at: bytes.readerIndex, length: length) else { return self }
        return EventBlock(
            first: first, last: predecessor.advanced(by: count), latest: latest, endsLog: false, bytes: head)
    }

    /// The block in pieces of whole events, each of at most `limit` bytes, or of one event that is longer.
    public func pieces(limit: ByteCount) -> [EventBlock] {
        var pieces: [EventBlock] = []
        var rest = self
        while true {
            let piece = rest.prefix(limit: limit)
            pieces.append(piece)
            guard piece.last < last else { return pieces }
            // By its length: a suffix would count the piece's lines once more.
            var bytes = rest.bytes
            bytes.moveReaderIndex(forwardBy: piece.bytes.readableBytes)
            rest = EventBlock(first: piece.last.next, last: last, latest: latest, endsLog: endsLog, bytes: bytes)
        }
    }

    /// The events up to and including `offset`; `nil` if there are none.
    public func prefix(through offset: Offset) -> EventBlock? {
        if offset >= last { return self }
        guard offset >= first else { return nil }
        let length = bytes.withUnsafeReadableBytes { $0.length(ofLines: offset.distance(from: predecessor)) }
        guard let head = bytes.getSlice(at: bytes.readerIndex, length: length) else { return nil }
        return EventBlock(first: first, last: offset, latest: latest, endsLog: false, bytes: head)
    }

    /// Calls `body` with each event's offset and its line without the newline, in order.
    public func forEachLine(_ body: (Offset, UnsafeRawBufferPointer) throws -> Void) rethrows {
        try bytes.withUnsafeReadableBytes { bytes in
            var position = 0
            var offset = first
            while let newline = bytes.firstNewline(from: position) {
                try body(offset, UnsafeRawBufferPointer(rebasing: bytes[position..<newline]))
                position = newline + 1
                offset = offset.next
            }
        }
    }

    /// The lines in which the text stands, each with its newline.
    package func lines(containing text: StaticString) -> ByteBuffer {
        var found = ByteBuffer()
        guard bytes.withUnsafeReadableBytes({ $0.contains(text) }) else { return found }
        forEachLine { _, line in
            guard line.contains(text) else { return }
            found.writeBytes(line)
            found.writeInteger(UInt8(ascii: "\n"))
        }
        return found
    }

    /// The event lines as one message: without the last newline.
    public var message: ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex, length: bytes.readableBytes - 1) ?? bytes
    }
}
