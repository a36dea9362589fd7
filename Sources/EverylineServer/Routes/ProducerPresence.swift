package import Everyline
import Synchronization

/// When each producer was last heard of, and what of that is still to be noted in the store.
///
/// It holds the producers that were heard of lately, however many they are; what is older is in the store, and the
/// producer of an execution that has ended is forgotten.
package final class ProducerPresence: Sendable {
    private struct Sign {
        var asking = 0
        var last: ContinuousClock.Instant
        /// Up to when the store knows.
        var noted: ContinuousClock.Instant

        /// How long ago it was heard of.
        func silence(at now: ContinuousClock.Instant) -> Duration { asking > 0 ? .zero : now - last }
    }

    /// After a start of the server, producers get this long to come back before they are taken for lost.
    private static let grace: Duration = .seconds(60 * 60)

    private let signs = Mutex<[ExecutionID: Sign]>([:])
    /// Of what was before, only the store knows: the server has just been started.
    private let start: (time: Timestamp, instant: ContinuousClock.Instant)
    /// Whether each producer speaks to this process. Where it may speak to another one, the store knows who was heard
    /// of.
    let hearsAll: Bool

    /// - Parameter now: by the clock that says when executions were created.
    package init(now: Timestamp, hearsAll: Bool = true) {
        start = (now, .now)
        self.hearsAll = hearsAll
    }

    /// Notes a sign of life.
    package func heard(_ execution: ExecutionID) {
        let now = ContinuousClock.now
        signs.withLock { $0[execution, default: Sign(last: now, noted: now)].last = now }
    }

    /// Forgets the producer of an execution that has ended.
    package func forget(_ execution: ExecutionID) {
        signs.withLock { $0[execution] = nil }
    }

    /// Notes that the producer is asking whether to stop, until the presence is left.
    package func enter(_ execution: ExecutionID) -> Presence {
        heard(execution)
        signs.withLock { $0[execution]?.asking += 1 }
        return Presence(producers: self, execution: execution)
    }

    /// Whether the producer is asking now, was heard of within `time`, or may have been before the server was started.
    package func isPresent(_ execution: Execution, within time: Duration) -> Bool {
        guard let sign = signs.withLock({ $0[execution.id] }) else {
            return execution.createdAt < start.time && ContinuousClock.now - start.instant < time
        }
        return sign.silence(at: .now) < time
    }

    /// Whether nothing was heard of the producer for `time`, in this life of the server or before.
    package func isLost(_ execution: Execution, after time: Duration, at now: Timestamp) -> Bool {
        if let sign = signs.withLock({ $0[execution.id] }) { return sign.silence(at: .now) >= time }
        guard ContinuousClock.now - start.instant >= min(time, Self.grace) else { return false }
        return now >= max(execution.heardAt ?? .epoch, execution.createdAt) + time
    }

    /// The producers of which the store's word is older than `step`, and when they were heard of. Those that were
    /// silent for as long are among them, for the last time.
    package func news(after step: Duration, at now: Timestamp) -> [ExecutionID: Timestamp] {
        let instant = ContinuousClock.now
        return signs.withLock { signs in
            signs.compactMapValues { sign in
                let silence = sign.silence(at: instant)
                let isNews = instant - silence - sign.noted >= step || silence >= step
                return isNews ? now + (.zero - silence) : nil
            }
        }
    }

    /// Takes what the store knows by now as noted, and forgets those that have not been heard of since.
    package func noted(_ news: [ExecutionID: Timestamp], after step: Duration) {
        let now = ContinuousClock.now
        signs.withLock { signs in
            for execution in news.keys {
                guard let sign = signs[execution] else { continue }
                signs[execution]?.noted = now - sign.silence(at: now)
                if sign.silence(at: now) >= step { signs[execution] = nil }
            }
        }
    }

    package struct Presence {
        fileprivate let producers: ProducerPresence
        fileprivate let execution: ExecutionID

        package func leave() {
            producers.signs.withLock { signs in
                guard var sign = signs[execution], sign.asking > 0 else { return }
                sign.asking -= 1
                sign.last = .now
                signs[execution] = sign
            }
        }
    }
}
