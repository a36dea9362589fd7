package import Everyline
import NIOCore
import Synchronization

/// Writes a command's output into its spool as events, in the order in which it is handed over. Times never go backwards, and
/// no write fails (``Spool``).
package final class Recorder: Sendable {
    package let spool: Spool
    package let lineLimit: ByteCount
    private let now: @Sendable () -> Timestamp
    private let latest = Mutex(Timestamp.epoch)

    /// - Parameter now: the wall clock.
    package init(spool: Spool, lineLimit: ByteCount, now: @escaping @Sendable () -> Timestamp) {
        self.spool = spool
        self.lineLimit = lineLimit
        self.now = now
    }

    /// Adds the lines that `bytes` complete.
    func record(_ bytes: ByteBuffer, from stream: LogLine.Stream?, cutter: inout LineCutter) {
        write(capacity: bytes.readableBytes * 3) { time, events in
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
        write(capacity: 1024) { time, events in
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

    private func write(
        capacity: Int, isEnd: Bool = false, _ body: (_ time: Timestamp, _ events: inout ByteBuffer) -> Int
    ) {
        // Under the lock, so that the lines of two streams stand in the order of their times.
        latest.withLock { latest in
            latest = max(latest, now())
            var events = ByteBufferAllocator().buffer(capacity: capacity)
            let count = body(latest, &events)
            if count > 0 { spool.write(events, count: count, isEnd: isEnd) }
        }
    }
}
