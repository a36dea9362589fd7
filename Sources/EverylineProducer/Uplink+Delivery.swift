import Everyline
import NIOCore

// How the spool's events come into the log, batch after batch.
extension Uplink {
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

    /// What a server that was restored to before the newest incarnation here has in common with this producer: it may
    /// know an earlier one.
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

    /// Where a delivery is, and what it has learned of the way.
    private struct Delivery {
        var pace = BatchPace()
        var head: Offset
        var place: LogPlace
        /// The event behind this offset can't be read: a notice stands in its place.
        var damaged: Offset?
        /// The time of the last event that was sent.
        var latest = Timestamp.epoch
        var failures = 0
        var generator: SeededGenerator
    }

    private func deliverHere(owed: ByteBuffer?) async throws {
        let head = try await align()
        var delivery = Delivery(head: head, place: spool.place, generator: SeededGenerator(seed: seed))
        if head < delivery.place.place(after: spool.acknowledged), spool.hasDiscarded {
            return try await finish(after: head, behind: delivery.latest, .linesLost, Self.discarded, owed: owed)
        }
        while true {
            let (head, latest) = (delivery.head, delivery.latest)
            switch try await next(after: head, behind: latest, limit: delivery.pace.limit, isComplete: owed != nil) {
            case .events(let events):
                let isDamaged = delivery.damaged == head
                do {
                    try await send(
                        isDamaged ? standIns(1, after: head, behind: latest, limit: 1) : events, &delivery)
                } catch let error as APIError where error.knownCode == .logFull {
                    return try await finish(
                        after: error.head ?? head, behind: latest, .logFull, Self.fullLog, owed: owed)
                }
            case .doubt: delivery.head = max(head, try await align())
            case .end:
                if let owed { try await pay(owed, after: head) }
                return
            case .unreadable(let reason):
                let message =
                    "The output behind event \(head) can't be read from the disk where it was kept: \(reason). It is lost."
                return try await finish(after: head, behind: latest, .linesLost, message, owed: owed)
            }
        }
    }

    /// Sends a batch. Where it isn't taken, what is sent next is another batch, or comes later.
    ///
    /// - Throws: ``APIError`` and ``ClientError`` that another try doesn't change.
    private func send(_ batch: ByteBuffer, _ delivery: inout Delivery) async throws {
        let head = delivery.head
        do {
            let (confirmed, time) = try await elapsed(on: clock) { try await append(batch, after: head) }
            delivery.pace.took(time, bytes: batch.readableBytes)
            delivery.head = confirmed
            delivery.latest = max(delivery.latest, min(batch.lastEventTime ?? delivery.latest, now()))
            delivery.failures = 0
            spool.acknowledge(through: delivery.place.number(at: confirmed))
        } catch let error as APIError where error.knownCode == .outOfOrder {
            guard let current = error.head, current >= delivery.place.place(after: spool.acknowledged), current != head
            else { throw error }
            delivery.head = current
        } catch let error as APIError where error.knownCode == .invalidEvent && batch.isDamaged {
            guard delivery.damaged != head else { throw error }
            if batch.lineCount > 1 {
                delivery.pace.refused(bytes: batch.readableBytes)
            } else {
                delivery.damaged = head
            }
        } catch {
            if let error = error as? APIError,
                try await cutsAnew(batch, after: &delivery.head, because: error, &delivery.pace)
            {
                delivery.place = spool.place
                return
            }
            try await waitAfter(error, &delivery)
        }
    }

    /// Waits after what may pass, and learns where the log is then.
    private func waitAfter(_ error: any Error, _ delivery: inout Delivery) async throws {
        guard Self.mayPass(error) else { throw error }
        delivery.failures += 1
        guard let delay = policy.delay(afterFailures: delivery.failures, using: &delivery.generator) else {
            throw error
        }
        willRetry(error)
        try await clock.sleep(for: max(delay, min((error as? APIError)?.retryAfter ?? .zero, policy.longest)))
        // What was sent may have arrived. Where it didn't, a smaller batch is more likely to pass a slow link.
        delivery.pace.slowDown()
        delivery.head = max(delivery.head, try await align())
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
}

/// How much one append carries: what the link takes in about two seconds, so that a slow link makes progress that is
/// acknowledged.
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
