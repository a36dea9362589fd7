import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Compares what a body says with what a log holds behind the same head: the kinds of events, their streams, the text
/// of whole lines however either side has cut them, notices, and the outcome. Times, ids and the way that JSON escapes
/// a text don't count.
///
/// It decodes one event of either side at a time, and only those whose bytes differ.
struct ContentComparison {
    /// The last offset of the log that was compared.
    private(set) var compared: Offset
    private let body: EventBlock
    /// Where the body's next event begins, in bytes and by the body's own count.
    private var position = 0
    private var next: Offset
    /// What is left of the body's last line: the log's next event has to go on with it.
    private var open: Part?

    private struct Part {
        let stream: LogLine.Stream?
        var text: ArraySlice<UInt8>
        let isPartial: Bool
        let timestamp: Timestamp
        let eventID: [UInt8]?
    }

    init(_ body: EventBlock) {
        self.body = body
        compared = body.predecessor
        next = body.first
    }

    /// How many bytes of the body were not compared yet.
    var restBytes: ByteCount { body.bytes.readableBytes - position + (open?.text.count ?? 0) }

    /// Whether the log holds all of the body.
    var isComplete: Bool { position == body.bytes.readableBytes && open == nil }

    /// Compares the events of the log that follow those that were compared, as far as the body goes.
    ///
    /// - Returns: `false` if they say something else than the body.
    /// - Throws: ``LogEventDecodingError`` if the log holds something that is no event.
    mutating func compare(_ held: EventBlock) throws -> Bool {
        try body.bytes.withUnsafeReadableBytes { body in
            try held.bytes.withUnsafeReadableBytes { bytes in
                // The usual retry has the same bytes.
                if open == nil, body.dropFirst(position).prefix(bytes.count).hasSameBytes(as: bytes[...]) {
                    position += bytes.count
                    next = next.advanced(by: held.count)
                    compared = held.last
                    return true
                }
                var start = 0
                while let newline = bytes.firstNewline(from: start), !isComplete {
                    let line = UnsafeRawBufferPointer(rebasing: bytes[start..<newline])
                    guard try take(line, from: body) else { return false }
                    compared = compared.next
                    start = newline + 1
                }
                return true
            }
        }
    }

    /// What the body holds beyond the events that were compared, as events behind `head`; `nil` if nothing.
    func rest(after head: Offset) -> EventBlock? {
        if open == nil, next == head.next { return body.suffix(after: head) }
        guard !isComplete else { return nil }
        var buffer = ByteBufferAllocator().buffer(capacity: restBytes + restBytes / 8)
        var last = head
        if let open {
            last = last.next
            EventFields.writeOffset(last, into: &buffer)
            open.text.withUnsafeBytes { text in
                func write(_ id: UnsafeRawBufferPointer?) {
                    EventFields.writeLine(
                        text, timestamp: open.timestamp, stream: open.stream, isPartial: open.isPartial, eventID: id,
                        into: &buffer)
                }
                if let id = open.eventID { id.withUnsafeBytes { write($0) } } else { write(nil) }
            }
        }
        body.suffix(after: Offset(next.rawValue - 1))?.forEachLine { _, line in
            last = last.next
            EventFields.writeOffset(last, into: &buffer)
            // Behind the offset that the body's own count gave.
            let fields = line.firstIndex(of: UInt8(ascii: ",")).map { line[($0 + 1)...] } ?? line[line.count...]
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: fields))
            buffer.writeStaticString("\n")
        }
        return EventBlock(first: head.next, last: last, latest: body.latest, endsLog: body.endsLog, bytes: buffer)
    }

    /// Takes what the body has for one event of the log; `false` if it says something else.
    private mutating func take(_ held: UnsafeRawBufferPointer, from body: UnsafeRawBufferPointer) throws -> Bool {
        if open == nil, let own = nextLine(of: body), own.content.hasSameBytes(as: held.content) {
            advance(past: own)
            return true
        }
        var scanner = JSONScanner(held)
        let event = try EventRecord.read(event: &scanner)
        guard event.type == .line else { return try open == nil && takeOther(event, scanner, from: body) }
        guard let message = event.message else { throw LogEventDecodingError.malformed }
        var text = scanner.decode(message)[...]
        while true {
            guard var part = try open ?? nextPart(of: body), part.stream == event.stream else { return false }
            let count = min(text.count, part.text.count)
            guard text.prefix(count) == part.text.prefix(count) else { return false }
            text.removeFirst(count)
            part.text.removeFirst(count)
            open = part
            // The log goes on with the line in its next event, or it says something else.
            guard part.text.isEmpty else { return event.isPartial }
            if text.isEmpty, part.isPartial == event.isPartial {
                open = nil
                return true
            }
            // An empty last part of the line may follow in the log.
            guard part.isPartial else { return text.isEmpty }
            open = nil
        }
    }

    /// Takes a notice or the `end`.
    private mutating func takeOther(
        _ held: EventRecord, _ text: JSONScanner, from body: UnsafeRawBufferPointer
    ) throws -> Bool {
        guard let line = nextLine(of: body) else { return false }
        var scanner = JSONScanner(line)
        let own = try EventRecord.read(event: &scanner)
        advance(past: line)
        return own.type == held.type && own.status == held.status && own.exitCode == held.exitCode
            && own.code.map(scanner.decode) == held.code.map(text.decode)
            && own.message.map(scanner.decode) == held.message.map(text.decode)
    }

    /// Takes the body's next event, if it is a line or a part of one.
    private mutating func nextPart(of body: UnsafeRawBufferPointer) throws -> Part? {
        guard let line = nextLine(of: body) else { return nil }
        var scanner = JSONScanner(line)
        let event = try EventRecord.read(event: &scanner)
        guard event.type == .line, let message = event.message, let timestamp = event.timestamp else { return nil }
        advance(past: line)
        return Part(
            stream: event.stream, text: scanner.decode(message)[...], isPartial: event.isPartial,
            timestamp: Timestamp(milliseconds: timestamp), eventID: event.eventID.map(scanner.decode))
    }

    private func nextLine(of body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        body.firstNewline(from: position).map { UnsafeRawBufferPointer(rebasing: body[position..<$0]) }
    }

    private mutating func advance(past line: UnsafeRawBufferPointer) {
        position += line.count + 1
        next = next.next
    }
}

extension EventRecord {
    /// Reads an event that was stored, or is about to be.
    fileprivate static func read(event scanner: inout JSONScanner) throws -> EventRecord {
        do {
            return try read(from: &scanner, isStrict: false)
        } catch {
            throw LogEventDecodingError.malformed
        }
    }
}

extension UnsafeRawBufferPointer {
    /// What an event's line has behind its offset and its time; all of it if it isn't in the form that is stored.
    fileprivate var content: Slice<UnsafeRawBufferPointer> {
        var position = 0
        guard EventLinePrefix.skip("{\"offset\":", in: self, &position, count),
            EventLinePrefix.number(in: self, &position, count) != nil,
            EventLinePrefix.skip(",\"timestamp\":", in: self, &position, count),
            EventLinePrefix.number(in: self, &position, count) != nil
        else { return self[...] }
        return self[position...]
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate func hasSameBytes(as other: Self) -> Bool {
        guard count == other.count else { return false }
        let (own, others) = (UnsafeRawBufferPointer(rebasing: self), UnsafeRawBufferPointer(rebasing: other))
        guard let left = own.baseAddress, let right = others.baseAddress else { return own.isEmpty }
        return memcmp(left, right, count) == 0
    }
}
