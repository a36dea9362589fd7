import Everyline
import NIOCore

// What the way to the server takes less of than one line, as a proxy does that limits the size of bodies.
extension Uplink {
    /// Cuts what is sent anew after a refusal that may be due to its size.
    ///
    /// - Returns: whether there is something else to send now.
    func cutsAnew(
        _ batch: ByteBuffer, after head: inout Offset, because error: APIError, _ pace: inout BatchPace
    ) async throws -> Bool {
        if error.status == 413 {
            return try await sendsLess(than: batch, after: &head, isServers: !error.isForeign, &pace)
        }
        return error.knownCode == .differentContent ? try await sendsMore(after: head) : false
    }

    /// Goes back to the larger parts, or to the whole event, that were sent before the newest cut: their request, which
    /// was given up, has arrived after all. The server compares them, unless they are still refused for their size.
    ///
    /// - Returns: whether there are any.
    private func sendsMore(after head: Offset) async throws -> Bool {
        guard spool.changeParts({ $0.uncut(after: head) }) else { return false }
        try await spool.waitForPlace(on: clock)
        return true
    }

    /// Sends less at once after a refusal for the size: fewer events, or the one event in parts.
    ///
    /// - Parameters:
    ///   - head: the log's, which is asked for before an event is cut: it may have come after all.
    ///   - isServers: whether the server itself refuses it, which takes lines of some length: not something on the way
    ///     that may take nothing.
    /// - Returns: whether there is less to send.
    private func sendsLess(
        than batch: ByteBuffer, after head: inout Offset, isServers: Bool, _ pace: inout BatchPace
    ) async throws -> Bool {
        guard batch.lineCount == 1 else {
            pace.refused(bytes: batch.readableBytes)
            return true
        }
        let current = try await align()
        guard current == head else {
            head = current
            return true
        }
        let (limit, least) =
            isServers ? (batch.lineLength / 2, LineCutter.leastLimit) : (batch.readableBytes / 2, Self.leastPart)
        let (cut, next) = (spool.place.cut(at: head), spool.place.number(at: head).next)
        guard limit >= least, let event = try? event(cut?.number ?? next),
            let textBefore = cut.map({ event.textLength(before: $0) }) ?? 0,
            let parts = event.lineInParts(of: limit, after: textBefore),
            spool.changeParts({
                $0.cut(after: head, into: parts.lineCount, of: limit, textBefore: textBefore)
            })
        else { return false }
        // A successor that doesn't know it would number its events as if nothing had happened.
        try await spool.waitForPlace(on: clock)
        return true
    }

    /// What is on the way and takes no more than this takes nothing.
    private static let leastPart: ByteCount = 256

    /// What the spool has behind the log's head, in at most `limit` bytes or one event; `nil` if there is nothing yet.
    ///
    /// - Throws: what the disk throws.
    func events(after head: Offset, limit: ByteCount) throws -> ByteBuffer? {
        let place = spool.place
        guard let cut = place.cut(at: head) else {
            return try spool.read(after: place.number(at: head), limit: limit)?.events
        }
        guard var parts = try event(cut.number)?.lineInParts(of: cut.limit, after: cut.textBefore) else { return nil }
        parts.moveReaderIndex(forwardBy: parts.withUnsafeReadableBytes { $0.length(ofLines: cut.sent) })
        let part = parts.withUnsafeReadableBytes { bytes in
            max(bytes.wholeLines(within: limit).length, bytes.length(ofLines: 1))
        }
        return parts.readSlice(length: part)
    }

    private func event(_ number: Offset) throws -> ByteBuffer? {
        try spool.read(after: Offset(number.rawValue - 1), limit: 1)?.events
    }
}

extension ByteBuffer {
    /// The event of a line, as events that are parts of the line (`partial`), each with at most `limit` bytes of its
    /// text as JSON has it; `nil` for any other event.
    ///
    /// - Parameter skipped: how many bytes of its text are in none of them.
    func lineInParts(of limit: ByteCount, after skipped: ByteCount = 0) -> ByteBuffer? {
        withUnsafeReadableBytes { event in
            guard let (text, isPartial) = Self.text(of: event), text.count >= skipped else { return nil }
            var parts = ByteBuffer()
            var position = text.lowerBound + skipped
            repeat {
                let next = event.endOfPart(from: position, to: text.upperBound, limit: limit)
                parts.writeBytes(event[..<text.lowerBound])
                parts.writeBytes(event[position..<next])
                parts.writeStaticString(isPartial || next < text.upperBound ? Self.partialEnd : Self.lineEnd)
                position = next
            } while position < text.upperBound
            return parts
        }
    }

    /// The length of a line's text, as JSON has it; 0 for an event that isn't a line.
    fileprivate var lineLength: ByteCount { withUnsafeReadableBytes { Self.text(of: $0)?.text.count ?? 0 } }

    /// How many bytes of a line's text are before the first part that the log lacks; `nil` for an event that isn't a
    /// line.
    fileprivate func textLength(before cut: LogPlace.Cut) -> ByteCount? {
        withUnsafeReadableBytes { event in
            guard let text = Self.text(of: event)?.text, text.count >= cut.textBefore else { return nil }
            var position = text.lowerBound + cut.textBefore
            for _ in 0..<cut.sent { position = event.endOfPart(from: position, to: text.upperBound, limit: cut.limit) }
            return position - text.lowerBound
        }
    }

    /// Where a line's event has its text, as JSON has it.
    private static func text(of event: UnsafeRawBufferPointer) -> (text: Range<Int>, isPartial: Bool)? {
        let isPartial = event.hasSuffix(partialEnd)
        let end = event.count - (isPartial ? partialEnd : lineEnd).utf8CodeUnitCount
        let digits = event.dropFirst(#"{"timestamp":"#.utf8.count).drop { (0x30...0x39).contains($0) }
        let start = lineStarts.first { digits.starts(with: $0.utf8) }.map { digits.startIndex + $0.utf8.count }
        guard let start, start <= end, event.hasSuffix(lineEnd) || isPartial else { return nil }
        return (start..<end, isPartial)
    }

    private static let lineStarts = ["", #","stream":"stdout""#, #","stream":"stderr""#].map { $0 + #","message":""# }
    private static let lineEnd: StaticString = "\"}\n"
    private static let partialEnd: StaticString = "\",\"partial\":true}\n"
}

extension UnsafeRawBufferPointer {
    /// Where a part ends that begins at `start`: between two characters of a JSON text that ends at `end`.
    fileprivate func endOfPart(from start: Int, to end: Int, limit: ByteCount) -> Int {
        var position = start
        while position < end {
            let length: Int
            switch self[position] {
            case UInt8(ascii: "\\"): length = self[position + 1] == UInt8(ascii: "u") ? 6 : 2
            case 0xF0...: length = 4
            case 0xE0...: length = 3
            case 0xC0...: length = 2
            default: length = 1
            }
            if position + length > start + limit, position > start { return position }
            position = Swift.min(position + length, end)
        }
        return end
    }
}
