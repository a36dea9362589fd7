package import Everyline
import NIOCore
import Synchronization

/// Writes a command's output into its spool as events, in the order in which it is handed over, and knows how the line
/// begins that has no newline yet. Times never go backwards, and no write fails (``Spool``).
package final class Recorder: Sendable {
    package let spool: Spool
    package let lineLimit: ByteCount
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    /// Announces that what is known of unfinished lines has changed.
    let unfinished = ChangeSignal()

    private struct State {
        var latest = Timestamp.epoch
        /// The ends of the lines that have begun, one a source at the most; the one that has changed last is the last.
        var rests: [Rest] = []
        var sources = 0
    }

    /// One of those whose lines are recorded. Two may be of one stream, or of none.
    struct Source: Hashable {
        let stream: LogLine.Stream?
        fileprivate let number: Int
    }

    private struct Rest: Equatable {
        let source: Source
        let bytes: [UInt8]
        let isCut: Bool
    }

    /// - Parameter now: the wall clock.
    package init(spool: Spool, lineLimit: ByteCount, now: @escaping @Sendable () -> Timestamp) {
        self.spool = spool
        self.lineLimit = lineLimit
        self.now = now
    }

    /// What is known of the line that follows the last event: of the stream that has written last, if both have begun
    /// one.
    var pendingLine: PendingLine? {
        // Under the lock, so that no event comes between the line and its place.
        let (rest, after) = state.withLock { ($0.rests.last, spool.last) }
        return rest.map {
            PendingLine(
                after: after, message: PendingLine.text(of: $0.bytes, isCut: $0.isCut), stream: $0.source.stream)
        }
    }

    /// Begins with a source.
    func source(of stream: LogLine.Stream?) -> Source {
        state.withLock { state in
            state.sources += 1
            return Source(stream: stream, number: state.sources)
        }
    }

    /// Adds the lines that `bytes` complete.
    func record(_ bytes: ByteBuffer, from source: Source, cutter: inout LineCutter) {
        write(from: source, cutter: &cutter, capacity: bytes.readableBytes * 3) { time, events, cutter in
            var count = 0
            bytes.withUnsafeReadableBytes { bytes in
                cutter.feed(bytes) { line, isPartial in
                    events.writeInteger(UInt8(ascii: "{"))
                    EventFields.writeLine(
                        line, timestamp: time, stream: source.stream, isPartial: isPartial, into: &events)
                    count += 1
                }
            }
            return count
        }
    }

    /// Adds what is left of a stream that ended without a newline.
    func finish(_ source: Source, cutter: inout LineCutter) {
        write(from: source, cutter: &cutter, capacity: 1024) { time, events, cutter in
            var count = 0
            cutter.finish { line, isPartial in
                events.writeInteger(UInt8(ascii: "{"))
                EventFields.writeLine(
                    line, timestamp: time, stream: source.stream, isPartial: isPartial, into: &events)
                count += 1
            }
            return count
        }
    }

    /// Adds what the log itself has to say.
    package func note(_ code: NoticeCode, _ message: String) {
        write(capacity: 256) { time, events in
            events.writeInteger(UInt8(ascii: "{"))
            EventFields.writeNotice(code: code.rawValue, message: message, timestamp: time, into: &events)
            return 1
        }
    }

    /// Adds the `end` event. Nothing may follow.
    package func end(_ outcome: ExecutionOutcome) {
        write(capacity: 256, isEnd: true) { time, events in
            events.writeInteger(UInt8(ascii: "{"))
            EventFields.writeEnd(outcome, timestamp: time, into: &events)
            return 1
        }
    }

    /// Adds events of a source, and notes the line that it has begun behind them.
    private func write(
        from source: Source, cutter: inout LineCutter, capacity: Int,
        _ body: (_ time: Timestamp, _ events: inout ByteBuffer, _ cutter: inout LineCutter) -> Int
    ) {
        let isChanged = state.withLock { state in
            let count = write(&state, capacity: capacity, isEnd: false) { body($0, &$1, &cutter) }
            let held = state.rests.first { $0.source == source }
            guard held != nil || cutter.hasRest else { return count > 0 && !state.rests.isEmpty }
            let (bytes, isCut) = cutter.end(limit: PendingLine.limit)
            let rest = cutter.hasRest ? Rest(source: source, bytes: bytes, isCut: isCut) : nil
            // The same rest as before stands behind other events now.
            guard rest != held else { return count > 0 }
            state.rests.removeAll { $0.source == source }
            if let rest { state.rests.append(rest) }
            return true
        }
        if isChanged { unfinished.announce() }
    }

    private func write(
        capacity: Int, isEnd: Bool = false, _ body: (_ time: Timestamp, _ events: inout ByteBuffer) -> Int
    ) {
        // A line that has begun stands behind these events now.
        let hasMoved = state.withLock { state in
            write(&state, capacity: capacity, isEnd: isEnd, body) > 0 && !state.rests.isEmpty
        }
        if hasMoved { unfinished.announce() }
    }

    /// Under the lock, so that the lines of two sources stand in the order of their times.
    ///
    /// - Returns: how many events were written.
    private func write(
        _ state: inout State, capacity: Int, isEnd: Bool,
        _ body: (_ time: Timestamp, _ events: inout ByteBuffer) -> Int
    ) -> Int {
        state.latest = max(state.latest, now())
        var events = ByteBufferAllocator().buffer(capacity: capacity)
        let count = body(state.latest, &events)
        if count > 0 { spool.write(events, count: count, isEnd: isEnd) }
        return count
    }
}
