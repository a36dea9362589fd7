package import Everyline
import Synchronization

/// When each producer was last heard of. It decides one thing: whether a stop can be left to the producer.
package final class Producers: Sendable {
    private struct Sign {
        var asking = 0
        var last: ContinuousClock.Instant
    }

    private static let limit = 65_536
    private let signs = Mutex<[ExecutionID: Sign]>([:])
    /// Of what was before, nothing is known: the server has just been started.
    private let start: (time: Timestamp, instant: ContinuousClock.Instant)

    /// - Parameter now: by the clock that says when executions were created.
    package init(now: Timestamp) { start = (now, .now) }

    /// Notes a sign of life.
    package func heard(_ execution: ExecutionID) {
        signs.withLock { signs in
            if signs.count >= Self.limit, signs[execution] == nil { signs.removeAll() }
            signs[execution, default: Sign(last: .now)].last = .now
        }
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
        return sign.asking > 0 || ContinuousClock.now - sign.last < time
    }

    package struct Presence {
        fileprivate let producers: Producers
        fileprivate let execution: ExecutionID

        package func leave() {
            producers.signs.withLock { signs in
                signs[execution]?.asking -= 1
                signs[execution]?.last = .now
            }
        }
    }
}
