package import Everyline
import NIOCore

/// Brings a spool's events to the server, in order, one batch after the other, until it has acknowledged the `end`. It
/// tries for as long as it takes.
///
/// Only Everyline's own refusals (``APIError/knownCode``) end it. Any other answer comes from something between here and the server, and
/// passes.
package struct Uplink: Sendable {
    package enum Conclusion: Sendable, Equatable {
        /// The server has everything, or everything that its log has room for.
        case delivered
        /// The server doesn't want it: the execution has ended otherwise, it is gone, its log has other events there, or the token is no good.
        case refused(APIError)
    }

    package let spool: Spool
    let endpoint: ProducerEndpoint
    let clock: any Clock<Duration>
    private let policy: RetryPolicy
    let isFirst: Bool
    private let seed: UInt64
    let now: @Sendable () -> Timestamp
    let stopRequested: @Sendable () -> Void
    private let willRetry: @Sendable (any Error) -> Void

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
    /// - Parameter untilTooLarge: also ends it when something on the way refuses its size, which another try doesn't change.
    func retrying<Value: Sendable>(
        untilTooLarge: Bool = false, _ step: () async throws -> Value
    ) async throws -> Value {
        let mayPass = { (error: any Error) in
            Self.mayPass(error) && !(untilTooLarge && (error as? APIError)?.status == 413)
        }
        return try await policy.run(
            seed: seed, clock: clock, isTransient: mayPass, willRetry: { error, _ in willRetry(error) }, step)
    }

    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let error as APIError: error.mayPassForProducer
        case let error as ClientError: error.isTransient
        default: false
        }
    }

    // MARK: Delivering

    /// - Parameter owed: the last events of an earlier process, which will write nothing any more.
    func deliver(owed: ByteBuffer?) async throws {
        while true {
            do {
                return try await deliverHere(owed: owed)
            } catch let error as APIError where error.knownCode == .otherIncarnation {
                guard let restoration = error.restoration else { throw error }
                willRetry(error)
                spool.move(to: try await common(restoration))
                // A successor that doesn't know it would number its events as if nothing had happened.
                try await spool.waitForPlace(on: clock)
            }
        }
    }

    /// What a server that was restored to before the newest incarnation here has in common with this producer: it may know an earlier one.
    private func common(_ restoration: Restoration) async throws -> Restoration {
        var restoration = restoration
        for (incarnation, base) in spool.place.earlier where restoration.base == .zero {
            do {
                let answer = try await retrying { try await endpoint.append(ByteBuffer(), .zero, incarnation) }
                restoration = Restoration(to: incarnation, base: min(base, answer.head))
            } catch let error as APIError where error.knownCode == .otherIncarnation {
                guard let older = error.restoration else { throw error }
                restoration = Restoration(to: older.incarnation, base: min(base, older.base), count: older.count)
            }
        }
        return restoration
    }

    private func deliverHere(owed: ByteBuffer?) async throws {
        var pace = BatchPace()
        /// The event behind this offset can't be read: a notice stands in its place.
        var damaged: Offset?
        /// The time of the last event that was sent.
        var latest = Timestamp.epoch
        var generator = SeededGenerator(seed: seed)
        var failures = 0
        var head = try await align()
        var place = spool.place
        if head < place.place(after: spool.acknowledged), spool.hasDiscarded {
            return try await finish(after: head, behind: latest, .linesLost, Self.discarded, owed: owed)
        }
        while true {
            let read = try await next(after: head, behind: latest, limit: pace.limit, isComplete: owed != nil)
            let batch: ByteBuffer
            switch read {
            case .events(let events):
                batch = damaged == head ? standIns(1, after: head, behind: latest, limit: 1) : events
            case .doubt:
                head = max(head, try await align())
                continue
            case .end:
                if let owed { try await pay(owed, after: head) }
                return
            case .unreadable(let reason):
                let message =
                    "The output behind event \(head) can't be read from the disk where it was kept: \(reason). It is lost."
                return try await finish(after: head, behind: latest, .linesLost, message, owed: owed)
            }
            do {
                let (confirmed, time) = try await elapsed(on: clock) { try await append(batch, after: head) }
                pace.took(time, bytes: batch.readableBytes)
                head = confirmed
                latest = max(latest, min(batch.lastEventTime ?? latest, now()))
                failures = 0
                spool.acknowledge(through: place.number(at: head))
            } catch let error as APIError where error.knownCode == .outOfOrder {
                guard let current = error.head, current >= place.place(after: spool.acknowledged), current != head
                else {
                    throw error
                }
                head = current
            } catch let error as APIError where error.knownCode == .logFull {
                return try await finish(after: error.head ?? head, behind: latest, .logFull, Self.fullLog, owed: owed)
            } catch let error as APIError where error.knownCode == .invalidEvent && batch.isDamaged {
                guard damaged != head else { throw error }
                if batch.lineCount > 1 { pace.refused(bytes: batch.readableBytes) } else { damaged = head }
            } catch {
                if let error = error as? APIError, try await cutsAnew(batch, after: &head, because: error, &pace) {
                    place = spool.place
                    continue
                }
                guard Self.mayPass(error) else { throw error }
                failures += 1
                guard let delay = policy.delay(afterFailures: failures, using: &generator) else { throw error }
                willRetry(error)
                try await clock.sleep(for: max(delay, min((error as? APIError)?.retryAfter ?? .zero, policy.longest)))
                // What was sent may have arrived. Where it didn't, a smaller batch is more likely to pass a slow link.
                pace.slowDown()
                head = max(head, try await align())
            }
        }
    }

    /// Learns where the log is: further than the spool knows, if an earlier process didn't get the answer, or its last writes
    /// did not survive a crash of the machine; less far, if the log was full and the rest was discarded.
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

    private enum Next {
        case events(ByteBuffer)
        /// The server is to be asked where the log is.
        case doubt
        /// Nothing follows `head`.
        case end
        case unreadable(String)
    }

    /// How often a spool that can't be read is tried, with ``Spool/retryPause`` between: half a minute.
    private static let readAttempts = 150
    /// More events aren't named one by one, if a spool lacks them: a file's name may be damaged too.
    private static let mostLost = 1_000_000

    /// Waits for what follows `head`.
    ///
    /// - Parameters:
    ///   - latest: the time of the last event that was sent.
    ///   - isComplete: whether no more will be written.
    private func next(
        after head: Offset, behind latest: Timestamp, limit: ByteCount, isComplete: Bool
    ) async throws -> Next {
        var failures = 0
        let place = spool.place
        if let notices = place.notices(after: head, at: now()) {
            let part = notices.withUnsafeReadableBytes { $0.wholeLines(within: limit).length }
            return .events(notices.getSlice(at: notices.readerIndex, length: part) ?? notices)
        }
        let number = place.number(at: head)
        while true {
            let version = spool.changes.version
            if spool.takeDoubt() { return .doubt }
            if let end = spool.end, end <= number { return .end }
            if isComplete, spool.last <= number { return .end }
            do {
                if let events = try events(after: head, limit: limit) {
                    if place.cut(at: head) != nil { return .events(events) }
                    return .events(
                        events.placing(spool.endEvent, after: number)
                            ?? standIns(1, after: head, behind: latest, limit: limit))
                }
                try await spool.changes.wait(past: version)
            } catch let error as CancellationError {
                throw error
            } catch let lost as Spool.LostEvents where lost.count <= Self.mostLost {
                return .events(standIns(lost.count, after: head, behind: latest, limit: limit))
            } catch {
                failures += 1
                guard failures < Self.readAttempts else { return .unreadable("\(error)") }
                willRetry(error)
                try await clock.sleep(for: Spool.retryPause)
            }
        }
    }

    static let discarded = "Output is missing here: an earlier process had to discard it."
    static let fullLog = "The log has reached its limit: output from here on is not recorded."

    /// Says in the log why the rest is missing, discards that as it comes, waits for the `end`, and appends it.
    private func finish(
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

    /// Appends events of our own making behind whatever the log holds by then: a request that was given up long ago, an earlier process's
    /// too, may still arrive and move its head.
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

/// How much one append carries: what the link takes in about two seconds, so that a slow link makes progress that is acknowledged.
struct BatchPace {
    private(set) var limit: ByteCount = .kibibytes(128)

    private static let least: ByteCount = .kibibytes(4)
    private static let most: ByteCount = .mebibytes(1)

    mutating func took(_ time: Duration, bytes: ByteCount) {
        if time > .seconds(2) { slowDown() }
        if time < .milliseconds(500), bytes > limit / 2 { limit = min(limit * 2, Self.most) }
    }

    /// After a failure that a long transfer may have caused.
    mutating func slowDown() { limit = max(limit / 2, min(limit, Self.least)) }

    /// After a refusal of so many bytes for their number.
    mutating func refused(bytes: ByteCount) { limit = max(min(limit, bytes) / 2, 1) }
}

/// Runs a step, and says how long it took.
private func elapsed<C: Clock, Value: Sendable>(
    on clock: C, _ step: () async throws -> Value
) async throws -> (Value, Duration) where C.Duration == Duration {
    let start = clock.now
    let value = try await step()
    return (value, start.duration(to: clock.now))
}
