public import NIOCore

extension LogEvent {
    /// Decodes one event's line. Fields that aren't known are passed over, so that a newer server may say more.
    ///
    /// - Throws: ``LogEventDecodingError`` for anything that isn't an event with an offset and a timestamp.
    public init(line: UnsafeRawBufferPointer) throws {
        var scanner = JSONScanner(line)
        let record: EventRecord
        do {
            record = try EventRecord.read(from: &scanner, isStrict: false)
        } catch {
            throw LogEventDecodingError.malformed
        }
        guard let offset = record.offset, offset > 0, let timestamp = record.timestamp else {
            throw LogEventDecodingError.malformed
        }
        self.init(
            offset: Offset(UInt64(offset)), timestamp: Timestamp(milliseconds: timestamp),
            content: try record.content(text: scanner))
    }

    /// Decodes the lines of a block or of a stream's message; the last newline may be missing.
    public static func decode(lines: ByteBuffer) throws -> [LogEvent] {
        try lines.withUnsafeReadableBytes { bytes in
            var events: [LogEvent] = []
            var position = 0
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                events.append(try LogEvent(line: UnsafeRawBufferPointer(rebasing: bytes[position..<end])))
                position = end + 1
            }
            return events
        }
    }
}

public enum LogEventDecodingError: Error, Equatable {
    case malformed
}

/// One line of a stream that speaks `everyline.v1`.
public enum StreamLine: Sendable, Equatable {
    case event(LogEvent)
    /// Nothing new; the log's head is at this offset.
    case heartbeat(head: Offset)
    /// What is known of the line that has no newline yet; empty if there is none any more.
    case pending(PendingLine)
    /// What the server has to say that isn't in the log.
    case notice(code: String, message: String)
    /// A backup was put back since the viewer's incarnation. The last line of a stream.
    case restored(Restoration)

    public init(_ line: UnsafeRawBufferPointer) throws {
        var scanner = JSONScanner(line)
        guard let record = try? EventRecord.read(from: &scanner, isStrict: false) else {
            throw LogEventDecodingError.malformed
        }
        switch record.type {
        case .heartbeat:
            guard let head = record.head, head >= 0 else { throw LogEventDecodingError.malformed }
            self = .heartbeat(head: Offset(UInt64(head)))
        case .pending:
            guard let after = record.after, after >= 0, let message = record.message else {
                throw LogEventDecodingError.malformed
            }
            self = .pending(
                PendingLine(
                    after: Offset(UInt64(after)), message: scanner.decodeString(message), stream: record.stream))
        case .notice where record.offset == nil:
            guard let code = record.code, let message = record.message else { throw LogEventDecodingError.malformed }
            if scanner.decodeString(code) == Problem.Code.otherIncarnation.rawValue, let base = record.base, base >= 0,
                let incarnation = record.incarnation.flatMap({ Incarnation(scanner.decodeString($0)) })
            {
                self = .restored(Restoration(to: incarnation, base: Offset(UInt64(base))))
                return
            }
            self = .notice(code: scanner.decodeString(code), message: scanner.decodeString(message))
        default:
            guard let offset = record.offset, offset > 0, let timestamp = record.timestamp else {
                throw LogEventDecodingError.malformed
            }
            self = .event(
                LogEvent(
                    offset: Offset(UInt64(offset)), timestamp: Timestamp(milliseconds: timestamp),
                    content: try record.content(text: scanner)))
        }
    }

    /// Decodes the lines of one message of a stream.
    public static func decode(message: ByteBuffer) throws -> [StreamLine] {
        try message.withUnsafeReadableBytes { bytes in
            var lines: [StreamLine] = []
            var position = 0
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                lines.append(try StreamLine(UnsafeRawBufferPointer(rebasing: bytes[position..<end])))
                position = end + 1
            }
            return lines
        }
    }
}

extension EventRecord {
    fileprivate func content(text: JSONScanner) throws -> LogEvent.Content {
        switch type {
        case .line:
            guard let message else { throw LogEventDecodingError.malformed }
            return .line(
                LogLine(
                    message: text.decodeString(message), stream: stream, isPartial: isPartial,
                    eventID: eventID.map(text.decodeString)))
        case .notice:
            guard let code, let message else { throw LogEventDecodingError.malformed }
            return .notice(code: text.decodeString(code), message: text.decodeString(message))
        case .end:
            guard let status, status.isTerminal else { throw LogEventDecodingError.malformed }
            return .end(
                ExecutionOutcome(
                    status: status, exitCode: exitCode, reason: reason, isVerified: isVerified, usage: usage))
        case .heartbeat, .pending:
            throw LogEventDecodingError.malformed
        }
    }
}
