import Everyline
import NIOCore

/// A command: what it writes and when, and its pipes, in which it waits while they are full.
struct SimulatedCommand {
    enum State: Equatable {
        case waiting, running
        case ended(ExecutionOutcome)
    }

    struct Write {
        /// How long the command thinks before it.
        let pause: Int64
        let stream: Int
        let bytes: [UInt8]
    }

    var state = State.waiting
    /// What it will do, the next first.
    var plan: ArraySlice<Write> = []
    /// What it has left to write of the write that it is at.
    private(set) var pending: (stream: Int, bytes: ArraySlice<UInt8>)?
    private(set) var pipes: [[UInt8]]
    /// All that ever went into each pipe.
    private(set) var written: [[UInt8]]
    let capacity: Int

    init(streams: Int = 1, capacity: Int = 64) {
        pipes = Array(repeating: [], count: streams)
        written = pipes
        self.capacity = capacity
    }

    var isRunning: Bool { state == .running }
    var hasEnded: Bool { if case .ended = state { true } else { false } }

    /// Begins with its next write; `false` if there is none.
    mutating func begin() -> Bool {
        guard let write = plan.popFirst() else { return false }
        pending = (write.stream, write.bytes[...])
        return true
    }

    /// Writes what there is room for; whether it has written all of it.
    mutating func write() -> Bool {
        guard let (stream, bytes) = pending else { return true }
        let part = bytes.prefix(capacity - pipes[stream].count)
        pipes[stream] += part
        written[stream] += part
        pending = part.count < bytes.count ? (stream, bytes.dropFirst(part.count)) : nil
        return pending == nil
    }

    /// Takes some bytes out of a pipe.
    mutating func read(_ stream: Int, atMost limit: Int) -> ByteBuffer {
        let part = pipes[stream].prefix(limit)
        defer { pipes[stream].removeFirst(part.count) }
        return ByteBuffer(bytes: part)
    }

    mutating func end(_ outcome: ExecutionOutcome) {
        guard !hasEnded else { return }
        state = .ended(outcome)
        pending = nil
    }
}
