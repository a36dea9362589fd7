import Everyline
import NIOCore

// What the way to the server takes less of than one line, as a proxy does that limits the size of bodies.
extension Uplink {
    /// Sends less at once after a refusal for the size: fewer events, or the one event in parts.
    ///
    /// - Parameter head: the log's, which is asked for before an event is cut: it may have come after all.
    /// - Returns: whether there is less to send.
    func sendsLess(than batch: ByteBuffer, after head: inout Offset, _ pace: inout BatchPace) async throws -> Bool {
        guard batch.lineCount == 1 else {
            pace.refused(bytes: batch.readableBytes)
            return true
        }
        let current = try await align()
        guard current == head else {
            head = current
            return true
        }
        let limit = batch.readableBytes / 2
        guard limit >= Self.leastPart, let (event, _) = try? spool.read(after: spool.place.number(at: head), limit: 1),
            let parts = event.lineInParts(of: limit), spool.cut(after: head, into: parts.lineCount, of: limit)
        else { return false }
        // A successor that doesn't know it would number its events as if nothing had happened.
        try await spool.waitForPlace(on: clock)
        return true
    }

    /// What takes no more than this takes nothing.
    private static let leastPart: ByteCount = 256

    /// What the spool has behind the log's head, in at most `limit` bytes or one event; `nil` if there is nothing yet.
    ///
    /// - Throws: what the disk throws.
    func events(after head: Offset, limit: ByteCount) throws -> ByteBuffer? {
        let place = spool.place
        guard let cut = place.cut(at: head) else {
            return try spool.read(after: place.number(at: head), limit: limit)?.events
        }
        guard let (event, _) = try spool.read(after: Offset(cut.number.rawValue - 1), limit: 1),
            var parts = event.lineInParts(of: cut.limit)
        else { return nil }
        parts.moveReaderIndex(forwardBy: parts.withUnsafeReadableBytes { $0.length(ofLines: cut.sent) })
        let part = parts.withUnsafeReadableBytes { bytes in
            max(bytes.wholeLines(within: limit).length, bytes.length(ofLines: 1))
        }
        return parts.readSlice(length: part)
    }
}

extension ByteBuffer {
    /// The event of a line, as events that are parts of the line (`partial`), each with at most `limit` bytes of its text as JSON has it;
    /// `nil` for any other event.
    func lineInParts(of limit: ByteCount) -> ByteBuffer? {
        withUnsafeReadableBytes { event in
            let isPartial = event.hasSuffix(Self.partialEnd)
            let end = event.count - (isPartial ? Self.partialEnd : Self.lineEnd).utf8CodeUnitCount
            let digits = event.dropFirst(#"{"timestamp":"#.utf8.count).drop { (0x30...0x39).contains($0) }
            let start = Self.lineStarts.first { digits.starts(with: $0.utf8) }.map { digits.startIndex + $0.utf8.count }
            guard let start, start <= end, event.hasSuffix(Self.lineEnd) || isPartial else { return nil }
            var parts = ByteBuffer()
            var position = start
            repeat {
                let next = event.endOfPart(from: position, to: end, limit: limit)
                parts.writeBytes(event[..<start])
                parts.writeBytes(event[position..<next])
                parts.writeStaticString(isPartial || next < end ? Self.partialEnd : Self.lineEnd)
                position = next
            } while position < end
            return parts
        }
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
