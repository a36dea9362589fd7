import Everyline
import NIOCore
import Synchronization

/// What one viewer has got so far, and what was wrong with it.
///
/// It counts at two places: what the server sent on each connection, before the tail drops or refuses anything, and
/// what the tail gave out.
final class DeliveryStats: Sendable {
    struct Counts: Sendable {
        /// What came over the connections, each held against where it began.
        var sent = OrderCheck()
        /// What the application got.
        var seen = OrderCheck()
        var corrupted = 0
        /// The offset of the `end` event, if it came.
        var end: UInt64?
        var latency = LatencyHistogram()
        var connections = 0
        var reconnections = 0
        var cuts = 0
        /// Why the viewer gave up.
        var failure: String?
    }

    private let state = Mutex(Counts())
    private let seed: UInt64
    /// The length of a line's text; a text of another length isn't the one that was written.
    private let lineBytes: Int

    init(seed: UInt64, lineBytes: Int) {
        self.seed = seed
        self.lineBytes = lineBytes
    }

    var counts: Counts { state.withLock { $0 } }
    /// The last event that the application got.
    var last: UInt64 { state.withLock { $0.seen.last } }

    func update(_ change: (inout Counts) -> Void) { state.withLock { change(&$0) } }

    // MARK: What the server sends

    /// A connection stands, on which what follows `offset` must come.
    func beginConnection(after offset: UInt64) {
        state.withLock {
            $0.sent.begin(after: offset)
            $0.connections += 1
        }
    }

    /// - Parameter allowsRepeats: behind a gateway a message may come again.
    func sent(_ message: ByteBuffer, allowsRepeats: Bool) {
        state.withLock { counts in
            message.withUnsafeReadableBytes { bytes in
                Self.forEachLine(of: bytes) { start, end in
                    guard let offset = Self.offset(of: bytes, start, end) else { return }
                    if allowsRepeats, offset <= counts.sent.last { return }
                    counts.sent.take(offset)
                }
            }
        }
    }

    /// `nil` for a line that is no event.
    private static func offset(of bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UInt64? {
        if let prefix = EventLinePrefix(bytes, from: start, to: end) { return prefix.offset }
        guard case .event(let event) = try? StreamLine(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else {
            return nil
        }
        return event.offset.rawValue
    }

    // MARK: What the application gets

    /// - Parameter now: on the run's clock.
    func seen(_ block: ReceivedBlock, at now: UInt64) {
        state.withLock { counts in
            // The lines of one append have one time, more or less; so they are counted together.
            var time: UInt64 = 0
            var lines: UInt64 = 0
            block.bytes.withUnsafeReadableBytes { bytes in
                Self.forEachLine(of: bytes) { start, end in
                    guard let line = take(bytes, start, end, &counts) else { return }
                    if line.time != time {
                        if lines > 0 { counts.latency.add(now - min(now, time), times: lines) }
                        (time, lines) = (line.time, 0)
                    }
                    lines += 1
                }
            }
            if lines > 0 { counts.latency.add(now - min(now, time), times: lines) }
        }
    }

    /// Counts an event; gives the line that it holds, if it is the one that was written under this offset.
    private func take(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ counts: inout Counts
    ) -> NumberedLine? {
        if let prefix = EventLinePrefix(bytes, from: start, to: end),
            let line = Self.plainText(of: bytes, prefix, end).flatMap({ read($0) }), line.number == prefix.offset
        {
            counts.seen.take(prefix.offset)
            return line
        }
        guard let event = try? LogEvent(line: UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else {
            counts.corrupted += 1
            return nil
        }
        counts.seen.take(event.offset.rawValue)
        switch event.content {
        case .end:
            counts.end = event.offset.rawValue
            return nil
        case .line(let line):
            let text = ByteBuffer(string: line.message)
            let line = text.withUnsafeReadableBytes { read($0) }
            if line?.number == event.offset.rawValue { return line }
            counts.corrupted += 1
            return nil
        case .notice:
            counts.corrupted += 1
            return nil
        }
    }

    private func read(_ text: UnsafeRawBufferPointer) -> NumberedLine? {
        text.count == lineBytes ? NumberedLine(text, seed: seed) : nil
    }

    /// The text of a line in the form that servers write, with nothing in it but what stands for itself.
    private static func plainText(
        of bytes: UnsafeRawBufferPointer, _ prefix: EventLinePrefix, _ end: Int
    ) -> UnsafeRawBufferPointer? {
        var position = prefix.end
        guard EventLinePrefix.skip("message\":\"", in: bytes, &position, end), end - position >= 2,
            bytes[end - 2] == UInt8(ascii: "\"")
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end - 2])
    }

    private static func forEachLine(of bytes: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
        var position = 0
        while position < bytes.count {
            let end = bytes.firstNewline(from: position) ?? bytes.count
            if end > position { body(position, end) }
            position = end + 1
        }
    }
}
