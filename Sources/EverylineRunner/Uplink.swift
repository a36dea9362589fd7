package import Everyline
import EverylineClient
import NIOCore

/// Brings a spool's events to the server, in order, one batch after the other, until it has acknowledged the `end`. It
/// tries for as long as it takes.
package struct Uplink: Sendable {
    package enum Conclusion: Sendable, Equatable {
        /// The server has everything, or everything that its log has room for.
        case delivered
        /// The server doesn't want it: the execution has ended without us, it is gone, or its token is no good.
        case refused(APIError)
    }

    let spool: Spool
    let execution: ExecutionID
    let endpoint: ProducerEndpoint
    let policy: RetryPolicy
    let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    /// Is told of each failure before another try.
    let willRetry: @Sendable (any Error) -> Void

    /// What one request takes. A server may want less; then it is halved.
    private static let batchLimit: ByteCount = .mebibytes(1)

    package init(
        spool: Spool, execution: ExecutionID, endpoint: ProducerEndpoint, policy: RetryPolicy,
        clock: any Clock<Duration>, now: @escaping @Sendable () -> Timestamp,
        willRetry: @escaping @Sendable (any Error) -> Void
    ) {
        self.spool = spool
        self.execution = execution
        self.endpoint = endpoint
        self.policy = policy
        self.clock = clock
        self.now = now
        self.willRetry = willRetry
    }

    /// - Throws: `Errno` if the spool can't be read, `ClientError` for an answer that is none, `CancellationError`.
    package func run() async throws -> Conclusion {
        do {
            return try await deliver()
        } catch let error as APIError {
            return .refused(error)
        }
    }

    private func deliver() async throws -> Conclusion {
        var limit = Self.batchLimit
        var head = try await align()
        if head < spool.acknowledged {
            try await end(after: head, discardingAfter: spool.acknowledged)
            return .delivered
        }
        while let (events, last) = try await next(after: head, limit: limit) {
            do {
                let confirmed = try await append(events, after: head)
                guard confirmed > head else {
                    throw ClientError.unexpectedAnswer("it acknowledged event \(confirmed) after \(last) was sent")
                }
                head = confirmed
                try spool.acknowledge(through: head)
            } catch let error as APIError {
                switch error.knownCode {
                case .outOfOrder where error.head.map { $0 >= spool.acknowledged && $0 != head } ?? false:
                    head = error.head ?? head
                case .bodyTooLarge where limit > 1 && events.lineCount > 1:
                    limit /= 2
                case .logFull:
                    try await end(after: error.head ?? head, discardingAfter: head)
                    return .delivered
                default:
                    throw error
                }
            }
        }
        return .delivered
    }

    /// Learns where the log is: further than the spool knows, if an earlier process didn't get the answer, or its last writes
    /// did not survive a crash of the machine; less far, if the log was full and the rest was discarded.
    ///
    /// - Throws: as ``run()``, and `APIError`.
    @discardableResult
    func align() async throws -> Offset {
        do {
            let head = try await append(ByteBuffer(), after: spool.acknowledged)
            try spool.acknowledge(through: head)
            return head
        } catch let error as APIError {
            guard error.knownCode == .outOfOrder, let head = error.head, head < spool.acknowledged else { throw error }
            return head
        }
    }

    /// Records the end that an earlier process owes, which is gone: the log says so, never as if it were complete.
    ///
    /// - Throws: as ``run()``.
    package func concludeForLostProcess(_ recorder: Recorder) async throws {
        guard spool.end == nil else { return }
        do {
            try await align()
        } catch is APIError {
            // Nobody wants it: ``run()`` learns the same.
            return
        }
        try recorder.note(
            .runnerLost, "The process that ran the command is gone; output that it had not written down is lost.")
        try recorder.end(ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost))
    }

    /// What follows `head`; `nil` if that was the `end`.
    private func next(after head: Offset, limit: ByteCount) async throws -> (ByteBuffer, Offset)? {
        let changes = spool.subscribe()
        while true {
            let version = changes.version
            if let end = spool.end, end <= head { return nil }
            if let found = try spool.read(after: head, limit: limit) { return found }
            _ = try await changes.wait(past: version)
        }
    }

    /// Says in a log that is full that output goes on unrecorded, waits for the `end`, and appends that.
    private func end(after full: Offset, discardingAfter read: Offset) async throws {
        let message = "The log has reached its limit: output from here on is not recorded."
        var notice = ByteBuffer(string: "{")
        EventFields.writeNotice(
            code: NoticeCode.logFull.rawValue, message: message, timestamp: now(), into: &notice)
        var head = try await append(notice, after: full)
        var position = read
        while let (events, last) = try await next(after: position, limit: Self.batchLimit) {
            position = last
            if let end = spool.end, end == last, let line = events.lastLine {
                head = try await append(line, after: head)
            }
            try spool.acknowledge(through: position)
        }
    }

    private func append(_ events: ByteBuffer, after head: Offset) async throws -> Offset {
        try await policy.run(clock: clock, willRetry: { error, _ in willRetry(error) }) {
            try await endpoint.append(events, head)
        }
    }
}

extension ByteBuffer {
    /// The last line with its newline.
    fileprivate var lastLine: ByteBuffer? {
        let view = readableBytesView.dropLast()
        let start = view.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? readerIndex
        return getSlice(at: start, length: writerIndex - start)
    }
}
