package import Everyline
import NIOCore

/// Brings a spool's events to the server, in order, one batch after the other, until it has acknowledged the `end`. It
/// tries for as long as it takes.
///
/// Only Everyline's own refusals (``APIError/knownCode``) end it. Any other answer comes from something between here
/// and the server, and passes.
package struct Uplink: Sendable {
    package enum Conclusion: Sendable, Equatable {
        /// The server has everything, or everything that its log has room for.
        case delivered
        /// The server doesn't want it: the execution has ended otherwise, it is gone, its log has other events there,
        /// or the token is no good.
        case refused(APIError)
    }

    package let spool: Spool
    let endpoint: ProducerEndpoint
    let clock: any Clock<Duration>
    let policy: RetryPolicy
    let isFirst: Bool
    let seed: UInt64
    let now: @Sendable () -> Timestamp
    let stopRequested: @Sendable () -> Void
    let willRetry: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - isFirst: whether no earlier process has written to the log: it has nothing that was never in the spool.
    ///   - seed: of the jitter between tries.
    ///   - now: the wall clock.
    ///   - stopRequested: called when an answer says that the producer should stop.
    ///   - willRetry: called with each failure before another try.
    package init(
        spool: Spool, endpoint: ProducerEndpoint, policy: RetryPolicy, clock: any Clock<Duration>,
        isFirst: Bool = false, seed: UInt64 = .random(in: 0 ... .max), now: @escaping @Sendable () -> Timestamp,
        stopRequested: @escaping @Sendable () -> Void = {}, willRetry: @escaping @Sendable (any Error) -> Void
    ) {
        self.spool = spool
        self.endpoint = endpoint
        self.policy = policy
        self.isFirst = isFirst
        self.clock = clock
        self.seed = seed
        self.now = now
        self.stopRequested = stopRequested
        self.willRetry = willRetry
    }

    /// - Throws: `CancellationError`; where the policy's attempts are used up, ``APIError`` or ``ClientError``.
    package func run() async throws -> Conclusion {
        try await concluding { try await deliver(owed: nil) }
    }

    func concluding(_ deliver: () async throws -> Void) async throws -> Conclusion {
        do {
            try await deliver()
            return .delivered
        } catch let error as APIError where !error.mayPassForProducer {
            return .refused(error)
        }
    }

    /// Runs a step until it succeeds, or the server itself refuses it.
    ///
    /// - Parameter untilTooLarge: also ends it when something on the way refuses its size, which another try doesn't
    ///   change.
    func retrying<Value: Sendable>(
        untilTooLarge: Bool = false, _ step: () async throws -> Value
    ) async throws -> Value {
        let mayPass = { (error: any Error) in
            Self.mayPass(error) && !(untilTooLarge && (error as? APIError)?.status == 413)
        }
        return try await policy.run(
            seed: seed, clock: clock, isTransient: mayPass, willRetry: { error, _ in willRetry(error) }, step)
    }

    static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let error as APIError: error.mayPassForProducer
        case let error as ClientError: error.isTransient
        default: false
        }
    }

    /// Learns where the log is: further than the spool knows, if an earlier process didn't get the answer, or its last
    /// writes did not survive a crash of the machine; less far, if the log was full and the rest was discarded.
    ///
    /// - Throws: as ``run()``, and ``APIError``.
    func align() async throws -> Offset {
        let place = spool.place
        let start = place.place(after: spool.acknowledged)
        do {
            let head = try await retrying { try await append(ByteBuffer(), after: start) }
            spool.acknowledge(through: place.number(at: head))
            return head
        } catch let error as APIError {
            guard error.knownCode == .outOfOrder, let head = error.head, head < start else { throw error }
            return head
        }
    }

    static let discarded = "Output is missing here: an earlier process had to discard it."
    static let fullLog = "The log has reached its limit: output from here on is not recorded."

    /// Says in the log why the rest is missing, discards that as it comes, waits for the `end`, and appends it.
    func finish(
        after head: Offset, behind latest: Timestamp, _ code: NoticeCode, _ message: String, owed: ByteBuffer?
    ) async throws {
        spool.losePlace()
        let noted = try await appendLast(Self.notice(code, message, at: time(after: head, behind: latest)), after: head)
        if let owed { return try await pay(owed, after: noted) }
        while true {
            let version = spool.changes.version
            if let end = spool.endLine {
                _ = try await appendLast(end, after: noted)
                return spool.acknowledge(through: spool.last)
            }
            if spool.takeDoubt() { _ = try await retrying { try await append(ByteBuffer(), after: noted) } }
            // What is discarded makes room, so that the command goes on.
            if spool.last > spool.delivered, !spool.hasRoom { spool.acknowledge(through: spool.last) }
            try await spool.changes.wait(past: version, atMost: Spool.retryPause, on: clock)
        }
    }

    /// Appends events of our own making behind whatever the log holds by then: a request that was given up long ago, an
    /// earlier process's too, may still arrive and move its head.
    func appendLast(_ events: ByteBuffer, after head: Offset) async throws -> Offset {
        var head = head
        while true {
            do {
                return try await retrying { try await append(events, after: head) }
            } catch let error as APIError where error.knownCode == .differentContent || error.knownCode == .outOfOrder {
                guard let current = error.head, current != head else { throw error }
                head = current
            }
        }
    }

    static func notice(_ code: NoticeCode, _ message: String, at time: Timestamp) -> ByteBuffer {
        var notice = ByteBuffer()
        notice.writeNotice(code, message, at: time)
        return notice
    }

    static func ending(
        _ code: NoticeCode, _ message: String, _ outcome: ExecutionOutcome, at time: Timestamp
    ) -> ByteBuffer {
        var ending = notice(code, message, at: time)
        ending.writeInteger(UInt8(ascii: "{"))
        EventFields.writeEnd(outcome, timestamp: time, into: &ending)
        return ending
    }
}
