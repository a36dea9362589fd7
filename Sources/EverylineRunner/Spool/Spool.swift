package import Everyline
import Glibc
package import NIOCore
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The events of one execution that its server hasn't acknowledged, on disk: the n-th line that was ever written is the
/// log's event n. They outlive the process that wrote them; what the server has is deleted.
///
/// Whoever writes looks at ``hasRoom`` and waits with ``subscribe()`` until it is `true`, so that a server that is away for
/// long slows the command down in the end, and loses nothing.
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

    private let directory: FilePath
    private let limits: Limits
    private let execution: ExecutionID
    private let feed = LogFeed()
    private let state: Mutex<State>

    private struct State {
        /// Oldest first; the last one is written to. Never empty.
        var segments: [SpoolSegment]
        /// What the disk had no room for.
        var unwritten = ByteBuffer()
        /// Where the event after `offset` begins, for whoever reads on.
        var reading: (offset: Offset, position: ByteCount)?
        /// The `end` event's offset, once it is there.
        var end: Offset?
        /// Nobody wants what is here or still comes.
        var isAbandoned = false

        var last: Offset { segments[segments.count - 1].last }
        var size: ByteCount { segments.reduce(unwritten.readableBytes) { $0 + $1.size } }
    }

    /// Opens a spool, with what an earlier process left in it.
    ///
    /// - Throws: `Errno`.
    package init(_ directory: String, of execution: ExecutionID, limits: Limits = Limits()) throws {
        self.directory = FilePath(directory)
        self.execution = execution
        self.limits = limits
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        var segments = try Self.existing(in: self.directory)
        if segments.isEmpty { segments = [try SpoolSegment(creating: Offset(1), in: self.directory)] }
        var state = State(segments: segments)
        if let last = try Self.lastLine(of: segments), last.isEndEvent { state.end = state.last }
        self.state = Mutex(state)
    }

    deinit {
        state.withLock { for segment in $0.segments { segment.close() } }
    }

    /// The offset before the first event that is still here.
    package var acknowledged: Offset { state.withLock { Offset($0.segments[0].base.rawValue - 1) } }

    /// The offset of the last event that was written.
    package var last: Offset { state.withLock { $0.last } }

    /// The `end` event's offset, once it is there.
    package var end: Offset? { state.withLock { $0.end } }

    /// Whether more should be written now. Looking tries again to write what the disk had no room for.
    ///
    /// - Throws: `Errno`, but not for a full disk.
    package func hasRoom() throws -> Bool {
        try state.withLock { state in
            if state.isAbandoned { return true }
            try flush(&state)
            return state.unwritten.readableBytes == 0 && state.size < limits.total
        }
    }

    /// Takes part in what changes: events that come, and events that go.
    package func subscribe() -> LogFeed.Subscription { feed.subscribe(to: execution) }

    /// Adds events: lines without offsets, each with its newline. A full disk holds them back, it loses none.
    ///
    /// - Throws: `Errno`, but not for a full disk.
    package func write(_ events: ByteBuffer, count: Int, isEnd: Bool = false) throws {
        try state.withLock { state in
            precondition(state.end == nil, "nothing follows the end")
            if state.isAbandoned { return }
            let current = state.segments.count - 1
            if state.segments[current].size >= limits.segment, state.unwritten.readableBytes == 0 {
                try appendSegment(&state)
            }
            state.segments[state.segments.count - 1].count += count
            if state.unwritten.readableBytes == 0 {
                state.unwritten = events
            } else {
                state.unwritten.writeImmutableBuffer(events)
            }
            if isEnd { state.end = state.last }
            try flush(&state)
        }
        feed.announceChange(of: execution)
    }

    /// The events after `offset`, in at most `limit` bytes, or one event if it is larger; `nil` if there are none yet.
    ///
    /// - Precondition: `offset` isn't before ``acknowledged``.
    /// - Throws: `Errno`.
    package func read(after offset: Offset, limit: ByteCount) throws -> (events: ByteBuffer, last: Offset)? {
        try state.withLock { state in
            try flush(&state)
            guard let segment = state.segments.last(where: { $0.base <= offset.next }) else {
                preconditionFailure("what was acknowledged is gone")
            }
            var position = 0
            if let reading = state.reading, reading.offset == offset, segment.base <= offset {
                position = reading.position
            } else {
                position = try Self.position(of: offset.next, in: segment)
            }
            guard let events = try segment.read(at: position, limit: limit) else { return nil }
            let last = offset.advanced(by: events.lineCount)
            state.reading = (last, position + events.readableBytes)
            return (events, last)
        }
    }

    /// Deletes what isn't needed any more because the server has everything up to `offset`. That may be more than is here,
    /// if the machine crashed: what is written next follows `offset` then.
    ///
    /// - Throws: `Errno`.
    package func acknowledge(through offset: Offset) throws {
        try state.withLock { state in
            if offset > state.last { state.segments.append(try SpoolSegment(creating: offset.next, in: directory)) }
            while state.segments.count > 1, state.segments[0].last <= offset { state.segments.removeFirst().remove() }
        }
        feed.announceChange(of: execution)
    }

    /// Drops whatever comes from now on: nobody will ever take it.
    package func abandon() {
        state.withLock { $0.isAbandoned = true }
        feed.announceChange(of: execution)
    }

    /// Without room for another file the last one grows on.
    private func appendSegment(_ state: inout State) throws {
        do {
            state.segments.append(try SpoolSegment(creating: state.last.next, in: directory))
        } catch let error as Errno where error.isFullDisk {}
    }

    private func flush(_ state: inout State) throws {
        guard state.unwritten.readableBytes > 0 else { return }
        _ = try state.segments[state.segments.count - 1].write(&state.unwritten)
        if state.unwritten.readableBytes == 0 { state.unwritten = ByteBuffer() }
    }

    private static func existing(in directory: FilePath) throws -> [SpoolSegment] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
        var segments: [SpoolSegment] = []
        for name in names {
            guard let base = SpoolSegment.base(of: name) else { continue }
            let path = directory.appending(name)
            // What follows a hole can't be told from what never was, and nothing that is written later may join it.
            if let last = segments.last, last.last.next != base {
                guard rename(path.string, path.string + ".behind-a-hole") == 0 else { throw Errno(rawValue: errno) }
            } else {
                segments.append(try SpoolSegment(opening: path, base: base))
            }
        }
        return segments
    }

    private static func lastLine(of segments: [SpoolSegment]) throws -> ByteBuffer? {
        guard let segment = segments.last, segment.count > 0 else { return nil }
        return try segment.read(at: position(of: segment.last, in: segment), limit: .kibibytes(64))
    }

    /// Where the event `offset` begins, or would begin.
    private static func position(of offset: Offset, in segment: SpoolSegment) throws -> ByteCount {
        var position = 0
        var left = offset.distance(from: segment.base)
        while left > 0, let lines = try segment.read(at: position, limit: .mebibytes(1)) {
            let count = lines.lineCount
            guard count > left else {
                position += lines.readableBytes
                left -= count
                continue
            }
            return position + lines.withUnsafeReadableBytes { $0.length(ofLines: left) }
        }
        return position
    }
}

extension ByteBuffer {
    /// Whether the line is an `end` event, as the runner writes it: its type stands where an output line has its stream
    /// or its message.
    fileprivate var isEndEvent: Bool {
        withUnsafeReadableBytes { line in
            let rest = line.dropFirst(#"{"timestamp":"#.utf8.count).drop { (0x30...0x39).contains($0) }
            return rest.starts(with: #","type":"end""#.utf8)
        }
    }
}
