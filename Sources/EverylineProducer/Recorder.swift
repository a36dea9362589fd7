package import Everyline
import NIOCore
import Synchronization

/// Writes a command's output into its spool as events, in the order in which it is handed over, and knows how the line begins that has no
/// newline yet. Times never go backwards, and no write fails (``Spool``).
package final class Recorder: Sendable {
    package let spool: Spool
    package let lineLimit: ByteCount
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    /// Announces that what is known of unfinished lines has changed.
    let unfinished = ChangeSignal()

    private struct State {
        var latest = Timestamp.epoch
        /// The ends of the lines that have begun, one a stream at the most; the one that has changed last is the last.
        var rests: [Rest] = []
    }

    private struct Rest: Equatable {
        let stream: LogLine.Stream?
        let bytes: [UInt8]
        let isCut: Bool
    }

    /// - Parameter now: the wall clock.
    package init(spool: Spool, lineLimit: ByteCount, now: @escaping @Sendable () -> Timestamp) {
        self.spool = spool
        self.lineLimit = lineLimit
        self.now = now
    }

    /// What is known of the line that follows the last event: of the stream that has written last, if both have begun one.
    var pendingLine: PendingLine? {
        // Under the lock, so that no event comes between the line and its place.
        let (rest, after) = state.withLock { ($0.rests.last, spool.last) }
        return rest.map {
            PendingLine(after: after, message: PendingLine.text(of: $0.bytes, isCut: $0.isCut), stream: $0.stream)
        }
    }

    /// Adds the lines that `bytes` complete.
    func record(_ bytes: ByteBuffer, from stream: LogLine.Stream?, cutter: inout LineCutter) {
        write(from: stream, cutter: &cutter, capacity: bytes.readableBytes * 3) { time, events, cutter in
            var count = 0
            bytes.withUnsafeReadableBytes { bytes in
                cutter.feed(bytes) { line, isPartial in
                    events.writeInteger(UInt8(ascii: "{"))
                    EventFields.writeLine(
                        line, timestamp: time, stream: stream, isPartial: isPartial, into: &events)
                    count += 1
                }
            }
            return count
        }
    }

    /// Adds what is left of a stream that ended without a newline.
    func finish(_ stream: LogLine.Stream?, cutter: inout LineCutter) {
        write(from: stream, cutter: &cutter, capacity: 1024) { time, events, cutter in
            var count = 0
            cutter.finish { line, isPartial in
                events.writeInteger(UInt8(ascii: "{"))
                EventFields.writeLine(line, timestamp: time, stream: stream, isPartial: isPartial, into: &events)
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

    /// Adds events of a stream, and notes the line that it has begun behind them.
    private func write(
        from stream: LogLine.Stream?, cutter: inout LineCutter, capacity: Int,
        _ body: (_ time: Timestamp, _ events: inout ByteBuffer, _ cutter: inout LineCutter) -> Int
    ) {
        let isChanged = state.withLock { state in
            write(&state, capacity: capacity, isEnd: false) { body($0, &$1, &cutter) }
            let held = state.rests.first { $0.stream == stream }
            guard held != nil || cutter.hasRest else { return false }
            let (bytes, isCut) = cutter.end(limit: PendingLine.limit)
            let rest = cutter.hasRest ? Rest(stream: stream, bytes: bytes, isCut: isCut) : nil
            guard rest != held else { return false }
            state.rests.removeAll { $0.stream == stream }
            if let rest { state.rests.append(rest) }
            return true
        }
        if isChanged { unfinished.announce() }
    }

    private func write(
        capacity: Int, isEnd: Bool = false, _ body: (_ time: Timestamp, _ events: inout ByteBuffer) -> Int
    ) {
        state.withLock { write(&$0, capacity: capacity, isEnd: isEnd, body) }
    }

    /// Under the lock, so that the lines of two streams stand in the order of their times.
    private func write(
        _ state: inout State, capacity: Int, isEnd: Bool,
        _ body: (_ time: Timestamp, _ events: inout ByteBuffer) -> Int
    ) {
        state.latest = max(state.latest, now())
        var events = ByteBufferAllocator().buffer(capacity: capacity)
        let count = body(state.latest, &events)
        if count > 0 { spool.write(events, count: count, isEnd: isEnd) }
    }
}
