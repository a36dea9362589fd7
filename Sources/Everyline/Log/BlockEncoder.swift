import NIOCore

/// Turns new events into an ``EventBlock``: the one place where an event becomes the line that is stored and sent.
package struct BlockEncoder {
    private let after: Offset
    private var last: Offset
    private var latest = Timestamp.epoch
    private var endsLog = false
    private var buffer: ByteBuffer

    /// Encodes events that follow `offset`.
    package init(after offset: Offset, capacity: ByteCount = 256) {
        self.after = offset
        self.last = offset
        self.buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    package var byteCount: ByteCount { buffer.readableBytes }

    /// Adds a line. `message` may be any bytes but should hold no newline; what isn't UTF-8 is replaced by U+FFFD.
    package mutating func appendLine(
        _ message: UnsafeRawBufferPointer, timestamp: Timestamp, stream: LogLine.Stream? = nil,
        isPartial: Bool = false, eventID: UnsafeRawBufferPointer? = nil
    ) {
        open(timestamp)
        EventFields.writeLine(
            message, timestamp: timestamp, stream: stream, isPartial: isPartial, eventID: eventID, into: &buffer)
    }

    package mutating func appendLine(_ line: LogLine, timestamp: Timestamp) {
        var message = line.message
        message.withUTF8 { message in
            let message = UnsafeRawBufferPointer(message)
            guard var id = line.eventID else {
                return appendLine(message, timestamp: timestamp, stream: line.stream, isPartial: line.isPartial)
            }
            id.withUTF8 { id in
                appendLine(
                    message, timestamp: timestamp, stream: line.stream, isPartial: line.isPartial,
                    eventID: UnsafeRawBufferPointer(id))
            }
        }
    }

    /// Adds a line whose message and id are checked JSON text.
    mutating func appendLine(
        escaped message: UnsafeRawBufferPointer, timestamp: Timestamp, stream: LogLine.Stream?, isPartial: Bool,
        escapedID: UnsafeRawBufferPointer?
    ) {
        open(timestamp)
        EventFields.writeLine(
            escaped: message, timestamp: timestamp, stream: stream, isPartial: isPartial, escapedID: escapedID,
            into: &buffer)
    }

    package mutating func appendNotice(code: String, message: String, timestamp: Timestamp) {
        open(timestamp)
        EventFields.writeNotice(code: code, message: message, timestamp: timestamp, into: &buffer)
    }

    /// Adds the log's last event. Nothing can be added after it.
    package mutating func appendEnd(_ outcome: ExecutionOutcome, timestamp: Timestamp) {
        open(timestamp)
        EventFields.writeEnd(outcome, timestamp: timestamp, into: &buffer)
        endsLog = true
    }

    /// The block of what was added; `nil` if nothing was.
    package func finish() -> EventBlock? {
        guard last > after else { return nil }
        return EventBlock(first: after.next, last: last, latest: latest, endsLog: endsLog, bytes: buffer)
    }

    private mutating func open(_ timestamp: Timestamp) {
        precondition(!endsLog, "an event follows the end event \(last)")
        last = last.next
        latest = max(latest, timestamp)
        EventFields.writeOffset(last, into: &buffer)
    }
}
