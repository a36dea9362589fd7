package import Everyline
package import NIOCore
import Synchronization

/// The events of one execution that its server hasn't acknowledged, on disk: the n-th line that was ever written is the
/// log's event n, as long as its server isn't restored from a backup (``LogPlace``). They outlive the process that
/// wrote them; what the server has is deleted.
///
/// No write fails. What the disk doesn't take (it is full, has gone away, fails) is held in memory and written later;
/// it can be read all the same. Who writes waits with ``waitForRoom(on:)`` after each write, so that at most one write
/// of each stream is held back: then the command waits, and goes on when there is room. Nothing is lost by it.
package final class Spool: Sendable {
    package struct Limits: Sendable {
        /// What the spool holds in all.
        package var total: ByteCount
        /// After how much a file is followed by the next one.
        package var segment: ByteCount

        package init(total: ByteCount = .gibibytes(1), segment: ByteCount = .mebibytes(16)) {
            self.total = total
            self.segment = segment
        }
    }

    let disk: any SpoolDisk
    private let limits: Limits
    let state: Mutex<State>
    /// Announces events that come, events that go, and a refusal.
    package let changes = ChangeSignal()

    /// How often a disk that took no more is tried again: no system call says that there is room.
    package static let retryPause: Duration = .milliseconds(200)

    struct State {
        /// Oldest first; the last one is written to. Never empty.
        var segments: [SpoolSegment]
        /// What the disk hasn't taken, of the last segment.
        var unwritten = ByteBuffer()
        /// Where the event after `offset` begins, for the next read.
        var reading: (offset: Offset, position: ByteCount)?
        /// The `end` event, once it is there.
        var end: (offset: Offset, line: ByteBuffer)?
        /// The last event that the server has acknowledged.
        var delivered: Offset
        /// The server takes nothing any more: what comes is kept while there is room, and no command waits.
        var isRefused = false
        /// The log holds a notice in the place of events that are here: what comes has other offsets there.
        var hasLostPlace = false
        /// An earlier process has given up the delivery, and discarded events that the log doesn't have.
        var hasDiscarded = false
        /// Where the events stand in the log.
        var place = LogPlace()
        /// Whether the disk has that.
        var isPlaceWritten = true
        /// Whether the log may be another one by now: the server's data seem to have been restored.
        var isInDoubt = false
        /// What was dropped before the disk had taken it, because the server had it: up to this event.
        var dropped = Offset.zero
        /// Something was dropped after a refusal, so nothing may follow.
        var hasDropped = false

        var last: Offset { segments[segments.count - 1].last }
        var size: ByteCount { segments.reduce(unwritten.readableBytes) { $0 + $1.size } }
        /// The last file behind which events are missing: a crash of the machine took them, and the server has them.
        var hole: Int? { segments.indices.dropLast().last { segments[$0].last.next != segments[$0 + 1].base } }
    }

    /// Opens a spool, with what an earlier process left in it.
    ///
    /// - Throws: what the disk throws.
    package init(on disk: any SpoolDisk, limits: Limits = Limits()) throws {
        self.disk = disk
        self.limits = limits
        var segments = try SpoolSegment.existing(on: disk)
        if segments.isEmpty {
            segments = [SpoolSegment(base: Offset(1))]
            try segments[0].makeFile(on: disk)
        }
        var state = State(segments: segments, delivered: Offset(segments[0].base.rawValue - 1))
        if let line = try segments.last?.lastLine(), line.isEndEvent, !line.isDamaged { state.end = (state.last, line) }
        if let place = try LogPlace(on: disk) { state.place = place }
        state.hasDiscarded = try disk.names().contains(Self.discarded)
        self.state = Mutex(state)
    }

    deinit {
        state.withLock { for segment in $0.segments { segment.close() } }
    }

    /// The offset before the first event that is still here.
    package var acknowledged: Offset { state.withLock { Offset($0.segments[0].base.rawValue - 1) } }

    /// The offset of the last event that the server has acknowledged, as far as this process knows.
    package var delivered: Offset { state.withLock { $0.delivered } }

    /// The offset of the last event that was written.
    package var last: Offset { state.withLock { $0.last } }

    /// The `end` event's offset, once it is there.
    package var end: Offset? { state.withLock { $0.end?.offset } }

    /// The `end` event, once it is there, also if the disk can't be read.
    var endEvent: (offset: Offset, line: ByteBuffer)? { state.withLock { $0.end } }

    var endLine: ByteBuffer? { endEvent?.line }

    /// Whether what is written here has no place in the log any more.
    var hasLostPlace: Bool { state.withLock { $0.hasLostPlace || $0.isRefused } }

    /// Whether the disk has all that the server hasn't acknowledged. Looking tries again to write it.
    package var isWhole: Bool { isWritten && !state.withLock(\.hasDropped) }

    /// Whether more should be written now. Looking tries again to write what the disk didn't take.
    package var hasRoom: Bool {
        state.withLock { state in
            if state.isRefused { return true }
            flush(&state)
            removeDelivered(&state)
            return state.unwritten.readableBytes == 0 && state.size < limits.total
        }
    }

    /// Whether everything is on the disk that is to be there. Looking tries again.
    private var isWritten: Bool {
        state.withLock { state in
            flush(&state)
            return state.unwritten.readableBytes == 0
        }
    }

    /// Waits until there is room for more: for as long as it takes.
    ///
    /// - Throws: `CancellationError`.
    package func waitForRoom(on clock: any Clock<Duration>) async throws {
        while true {
            let version = changes.version
            if hasRoom { return }
            try await changes.wait(past: version, atMost: Self.retryPause, on: clock)
        }
    }

    /// Waits until everything that was written is on the disk: for as long as it takes.
    ///
    /// - Throws: `CancellationError`.
    package func waitUntilWritten(on clock: any Clock<Duration>) async throws {
        while !isWritten { try await clock.sleep(for: Self.retryPause) }
    }

    /// Adds events: lines without offsets, each with its newline.
    package func write(_ events: ByteBuffer, count: Int, isEnd: Bool = false) {
        state.withLock { state in
            precondition(state.end == nil, "an event follows the end in a spool that is at \(state.last)")
            if state.isRefused, state.hasDropped || state.unwritten.readableBytes > 0 || state.size >= limits.total {
                state.hasDropped = true
                if isEnd { state.end = (state.last.advanced(by: count), events) }
                return
            }
            let current = state.segments.count - 1
            if state.segments[current].size >= limits.segment, state.unwritten.readableBytes == 0 {
                var next = SpoolSegment(base: state.last.next)
                // Without room for another file the last one grows on.
                if (try? next.makeFile(on: disk)) != nil { state.segments.append(next) }
            }
            state.segments[state.segments.count - 1].count += count
            if state.unwritten.readableBytes == 0 {
                state.unwritten = events
            } else {
                state.unwritten.writeImmutableBuffer(events)
            }
            if isEnd { state.end = (state.last, events) }
            flush(&state)
        }
        changes.announce()
    }

    /// The events after `offset`, in at most `limit` bytes, or one event if it is larger; `nil` if there are none yet.
    ///
    /// - Throws: what the disk throws; ``LostEvents`` where it has less than was written.
    package func read(after offset: Offset, limit: ByteCount) throws -> (events: ByteBuffer, last: Offset)? {
        try state.withLock { state in
            flush(&state)
            guard let index = state.segments.lastIndex(where: { $0.base <= offset.next }) else {
                throw LostEvents(count: state.segments[0].base.distance(from: offset.next))
            }
            let segment = state.segments[index]
            let unwritten = index == state.segments.count - 1 ? state.unwritten : nil
            var position = 0
            if let reading = state.reading, reading.offset == offset, segment.base <= offset {
                position = reading.position
            } else {
                position = try segment.position(of: offset.next, unwritten)
            }
            guard offset < segment.last else { return nil }
            let count = segment.last.distance(from: offset)
            guard var events = try segment.lines(at: position, limit: limit, unwritten: unwritten) else {
                throw LostEvents(count: count)
            }
            if events.lineCount > count {
                // The disk has made several lines of one.
                let length = events.withUnsafeReadableBytes { $0.length(ofLines: count) }
                events = events.readSlice(length: length) ?? events
            }
            let last = offset.advanced(by: events.lineCount)
            state.reading = (last, position + events.readableBytes)
            return (events, last)
        }
    }

    /// So many events behind an offset are not on the disk any more, although they were written.
    struct LostEvents: Error {
        let count: Int
    }

    /// Deletes what isn't needed any more because the server has everything up to `offset`. That may be more than is
    /// here, if the machine crashed: what is written next follows `offset` then.
    package func acknowledge(through offset: Offset) {
        state.withLock { state in
            state.delivered = max(state.delivered, offset)
            if offset >= state.last, offset > state.last || isWorthReplacing(state) {
                // All of it is delivered: its room on the disk is needed more than its file.
                if state.unwritten.readableBytes > 0 { state.dropped = state.last }
                state.unwritten = ByteBuffer()
                state.segments.append(SpoolSegment(base: max(offset, state.last).next))
            }
            removeDelivered(&state)
        }
        changes.announce()
    }

    /// Says that the server takes nothing any more. What is here stays, what comes joins it while there is room, and no
    /// writer waits.
    package func refuse() {
        state.withLock { $0.isRefused = true }
        changes.announce()
    }

    /// Deletes the files of which the server has everything, the oldest first: where one stays because the disk fails,
    /// so do those behind it, or the next process would find a hole and take nothing that is behind.
    private func removeDelivered(_ state: inout State) {
        while state.segments.count > 1, state.segments[0].last <= state.delivered,
            state.segments[0].remove(from: disk)
        {
            state.segments.removeFirst()
        }
    }

    private func isWorthReplacing(_ state: State) -> Bool {
        state.unwritten.readableBytes > 0
            || state.segments[state.segments.count - 1].size >= min(limits.segment, limits.total)
    }

    private func flush(_ state: inout State) {
        guard state.unwritten.readableBytes > 0 else { return }
        state.segments[state.segments.count - 1].write(&state.unwritten, on: disk)
        if state.unwritten.readableBytes == 0 { state.unwritten = ByteBuffer() }
    }

    /// The offset before the first event in a spool whose files have these names: the server has acknowledged at least
    /// so much. `nil` if it has no files.
    package static func acknowledged(by names: [String]) -> Offset? {
        names.compactMap(SpoolSegment.base).min().map { Offset($0.rawValue - 1) }
    }
}
