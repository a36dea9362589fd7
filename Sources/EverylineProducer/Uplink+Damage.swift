import Everyline
import NIOCore

// What stands in the log for what the disk has damaged or lost of a spool.
extension Uplink {
    static let damaged = "A line is missing here: the disk where it was kept has damaged it."

    /// What is appended where the disk has damaged, or lost, so many events after `head`; no more than `limit` bytes,
    /// or one event.
    func standIns(_ count: Int, after head: Offset, behind latest: Timestamp, limit: ByteCount) -> ByteBuffer {
        let first = spool.place.number(at: head).next
        let time = time(after: head, lost: count, behind: latest)
        var events = ByteBuffer()
        for number in 0..<count {
            let length = events.readableBytes
            if spool.end == first.advanced(by: number), let end = spool.endLine {
                events.writeImmutableBuffer(end)
            } else {
                events.writeNotice(.linesLost, Self.damaged, at: time)
            }
            if number > 0, events.readableBytes > limit {
                return events.getSlice(at: events.readerIndex, length: length) ?? events
            }
        }
        return events
    }

    /// A time for a notice after `head`, between those of its neighbours: times never go backwards within a log.
    ///
    /// - Parameters:
    ///   - count: how many events it stands for.
    ///   - latest: the time of the event before it, if this process has sent that.
    func time(after head: Offset, lost count: Int = 0, behind latest: Timestamp) -> Timestamp {
        guard latest == .epoch else { return latest }
        let number = spool.place.number(at: head)
        for event in [number, number.advanced(by: count)] {
            if let time = (try? spool.read(after: event, limit: 1)?.events)?.eventTime, time <= now() { return time }
        }
        return now()
    }
}

extension ByteBuffer {
    /// Whether it holds what no producer writes: the disk has changed it.
    var isDamaged: Bool { (try? AppendBody(ndjson: self, after: .zero)) == nil }

    /// The time of its first event; `nil` where none can be read.
    var eventTime: Timestamp? {
        withUnsafeReadableBytes { event in
            let start = #"{"timestamp":"#.utf8
            guard event.starts(with: start) else { return nil }
            let digits = event.dropFirst(start.count).prefix(while: { (0x30...0x39).contains($0) })
            return Timestamp(decimal: String(decoding: digits, as: UTF8.self))
        }
    }

    /// The time of its last event; `nil` where none can be read.
    var lastEventTime: Timestamp? {
        let start = withUnsafeReadableBytes { $0.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0 }
        return getSlice(at: readerIndex + start, length: readableBytes - start)?.eventTime
    }

    /// The events with the `end` in its place and nowhere else, whatever the disk has made of them; `nil` if nothing is
    /// left.
    func placing(_ end: (offset: Offset, line: ByteBuffer)?, after number: Offset) -> ByteBuffer? {
        guard let end else { return self }
        let count = lineCount
        let length = withUnsafeReadableBytes { $0.length(ofLines: count - 1) }
        guard let last = getSlice(at: readerIndex + length, length: readableBytes - length),
            last.isEndEvent != (number.advanced(by: count) == end.offset)
        else { return self }
        var placed = getSlice(at: readerIndex, length: length) ?? ByteBuffer()
        if !last.isEndEvent { placed.writeImmutableBuffer(end.line) }
        return placed.readableBytes > 0 ? placed : nil
    }
}
