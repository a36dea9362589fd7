package import NIOCore

/// What a producer sends to be appended, turned into the block that is stored.
///
/// The offsets follow from the head that the body comes after, so the same body after the same head always makes the
/// same events: that is what makes a retry harmless.
package struct AppendBody: Sendable {
    /// `nil` for an empty body: a producer's sign of life.
    package let block: EventBlock?
    /// How the execution ended, if the body's last event is the `end`.
    package let outcome: ExecutionOutcome?
    /// Whether anything but notices and the `end` is in it.
    package let hasLines: Bool

    /// What an event's id and a notice's code may have, in bytes: an id is repeated in each part of a line that is cut.
    package static let labelLimit: ByteCount = 1024
    /// What a notice's text may have at the least, whatever the limit of lines.
    package static let noticeLimit: ByteCount = .kibibytes(4)

    package init(block: EventBlock?, outcome: ExecutionOutcome? = nil, hasLines: Bool = false) {
        self.block = block
        self.outcome = outcome
        self.hasLines = hasLines
    }

    /// Reads NDJSON: `{timestamp, stream?, message, partial?, event_id?}` a line, then at most one
    /// `{"type":"end","timestamp","status","exit_code"?,"reason"?,"cpu_ms"?,"peak_memory_bytes"?}`. Empty lines are
    /// passed over.
    ///
    /// Messages longer than `lineLimit` are cut into `partial` events. Unknown fields are errors.
    /// - Parameter mayCut: whether they are: who counts offsets along can't have that.
    /// - Throws: ``AppendSyntaxError`` with the number of the line, ``LineTooLong``.
    package init(
        ndjson body: ByteBuffer, after head: Offset, lineLimit: ByteCount = LineCutter.defaultLimit, mayCut: Bool = true
    ) throws {
        var encoder = BlockEncoder(after: head, capacity: body.readableBytes + body.readableBytes / 8)
        var outcome: ExecutionOutcome?
        var hasLines = false
        try body.withUnsafeReadableBytes { bytes in
            var position = 0
            var number = 0
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                let line = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
                position = end + 1
                number += 1
                do {
                    var scanner = JSONScanner(line)
                    scanner.skipBlanks()
                    if scanner.isAtEnd { continue }
                    guard outcome == nil else { throw EventSyntaxError.eventAfterEnd }
                    let record = try EventRecord.read(from: &scanner, isStrict: true)
                    outcome = try record.append(to: &encoder, text: scanner, lineLimit: lineLimit, mayCut: mayCut)
                    if record.type == .line { hasLines = true }
                } catch let error as JSONScanner.Failure {
                    throw AppendSyntaxError(line: number, cause: .json(column: error.position + 1, error.reason.word))
                } catch let error as EventSyntaxError {
                    throw AppendSyntaxError(line: number, cause: .event(error))
                }
            }
        }
        self.init(block: encoder.finish(), outcome: outcome, hasLines: hasLines)
    }

    /// What the events of a text may take as they are stored: an empty line is one byte of a body, and some forty of a
    /// log.
    package static let eventsLimit: ByteCount = .mebibytes(16)

    /// Reads plain text: each line becomes an event with the time `now`; what isn't UTF-8 is replaced by U+FFFD.
    ///
    /// - Throws: ``TooManyLines`` if its events take more than ``eventsLimit``.
    package init(
        text body: ByteBuffer, after head: Offset, at now: Timestamp, lineLimit: ByteCount = LineCutter.defaultLimit
    ) throws(TooManyLines) {
        var encoder = BlockEncoder(after: head, capacity: min(body.readableBytes * 2, Self.eventsLimit))
        var cutter = LineCutter(limit: lineLimit)
        let add = { (line: UnsafeRawBufferPointer, isPartial: Bool) in
            // What is too much is not encoded, only counted as too much.
            guard encoder.byteCount <= Self.eventsLimit else { return }
            encoder.appendLine(line, timestamp: now, isPartial: isPartial)
        }
        body.withUnsafeReadableBytes { cutter.feed($0, emit: add) }
        cutter.finish(emit: add)
        guard encoder.byteCount <= Self.eventsLimit else { throw TooManyLines() }
        let block = encoder.finish()
        self.init(block: block, hasLines: block != nil)
    }
}

/// A line is longer than it may be, and isn't to be cut.
package struct LineTooLong: Error, Equatable {
    package let limit: ByteCount
}

/// A text has more lines than one append takes.
package struct TooManyLines: Error, Equatable {
    package init() {}
}

/// Which line of an append's body is wrong, and how.
package struct AppendSyntaxError: Error, Equatable {
    /// From 1.
    package let line: Int
    package let cause: Cause

    package enum Cause: Sendable, Equatable {
        /// Not JSON, or JSON of another shape, at this column (from 1, in bytes).
        case json(column: Int, String)
        case event(EventSyntaxError)
    }
}

extension JSONScanner.Failure.Reason {
    fileprivate var word: String {
        switch self {
        case .unexpected: "not valid JSON for an event"
        case .invalidUTF8: "not UTF-8"
        case .numberOutOfRange: "a number is out of range"
        }
    }
}

extension EventRecord.Kind {
    /// The fields with which a producer's event of this type is stored, as bits. (The log itself gives the offset.
    /// Whether the end is verified can't be told by who appends to the log itself: there is nothing to compare it
    /// with.)
    fileprivate var fields: UInt32 {
        switch self {
        case .line: EventRecord.Field.bits(.timestamp, .type, .stream, .message, .partial, .eventID)
        case .notice: EventRecord.Field.bits(.timestamp, .type, .code, .message)
        case .end: EventRecord.Field.bits(.timestamp, .type, .status, .exitCode, .reason, .cpu, .peakMemory)
        case .heartbeat, .pending: EventRecord.Field.bits(.timestamp, .type)
        }
    }
}

extension EventRecord {
    /// Adds the event to the block; returns the outcome if it is the `end`.
    fileprivate func append(
        to encoder: inout BlockEncoder, text: JSONScanner, lineLimit: ByteCount, mayCut: Bool
    ) throws -> ExecutionOutcome? {
        let strange = seen & ~type.fields
        if strange != 0, let field = EventRecord.Field.allCases.first(where: { strange & $0.bit != 0 }) {
            throw EventSyntaxError.unknownField(field.rawValue)
        }
        guard let milliseconds = timestamp else { throw EventSyntaxError.missingField("timestamp") }
        guard (0...Timestamp.maximum.milliseconds).contains(milliseconds) else {
            throw EventSyntaxError.invalidValue(field: "timestamp")
        }
        let time = Timestamp(milliseconds: milliseconds)
        switch type {
        case .line:
            guard let message else { throw EventSyntaxError.missingField("message") }
            try require(eventID, in: .eventID, within: AppendBody.labelLimit, text)
            try appendLine(message, at: time, to: &encoder, text: text, lineLimit: lineLimit, mayCut: mayCut)
            return nil
        case .notice:
            guard let code else { throw EventSyntaxError.missingField("code") }
            guard let message else { throw EventSyntaxError.missingField("message") }
            try require(code, in: .code, within: AppendBody.labelLimit, text)
            // What a frame takes of a line it takes of a notice.
            try require(message, in: .message, within: max(lineLimit, AppendBody.noticeLimit), text)
            encoder.appendNotice(
                code: text.decodeString(code), message: text.decodeString(message), timestamp: time)
            return nil
        case .end:
            guard let status else { throw EventSyntaxError.missingField("status") }
            guard status.isTerminal else { throw EventSyntaxError.invalidValue(field: "status") }
            for (field, value) in [(Field.cpu, cpuMilliseconds), (.peakMemory, peakMemory)] where value ?? 0 < 0 {
                throw EventSyntaxError.invalidValue(field: field.rawValue)
            }
            let outcome = ExecutionOutcome(status: status, exitCode: exitCode, reason: reason, usage: usage)
            encoder.appendEnd(outcome, timestamp: time)
            return outcome
        case .heartbeat, .pending:
            throw EventSyntaxError.invalidValue(field: "type")
        }
    }

    /// Refuses what is too long and can't be cut.
    private func require(
        _ value: JSONScanner.Text?, in field: Field, within limit: ByteCount, _ text: JSONScanner
    ) throws {
        // Escaped it is never shorter.
        guard let value, value.range.count > limit, text.decode(value).count > limit else { return }
        throw EventSyntaxError.invalidValue(field: field.rawValue)
    }

    private func appendLine(
        _ message: JSONScanner.Text, at time: Timestamp, to encoder: inout BlockEncoder, text: JSONScanner,
        lineLimit: ByteCount, mayCut: Bool
    ) throws {
        let isClean = !message.hasLoneSurrogates && eventID?.hasLoneSurrogates != true
        if isClean && message.range.count <= lineLimit {
            return encoder.appendLine(
                escaped: UnsafeRawBufferPointer(rebasing: text.text[message.range]), timestamp: time, stream: stream,
                isPartial: isPartial, escapedID: eventID.map { UnsafeRawBufferPointer(rebasing: text.text[$0.range]) })
        }
        // A newline inside a message is no line's end here, so the message is cut by length alone.
        let decoded = text.decode(message)
        guard mayCut || decoded.count <= lineLimit else { throw LineTooLong(limit: lineLimit) }
        let id = eventID.map(text.decode)
        decoded.withUnsafeBytes { bytes in
            bytes.forEachPart(limit: lineLimit) { part, isFollowed in
                let goesOn = isPartial || isFollowed
                guard let id else {
                    return encoder.appendLine(part, timestamp: time, stream: stream, isPartial: goesOn)
                }
                id.withUnsafeBytes {
                    encoder.appendLine(part, timestamp: time, stream: stream, isPartial: goesOn, eventID: $0)
                }
            }
        }
    }
}
