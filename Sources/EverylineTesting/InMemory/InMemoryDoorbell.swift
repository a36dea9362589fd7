package import Everyline
import Synchronization

/// A doorbell that keeps its rings until they are taken.
package final class InMemoryDoorbell: Doorbell {
    package struct Ring: Sendable, Equatable {
        package let connection: ConnectionID
        package let execution: ExecutionID
    }

    private let waiting = Mutex<[Ring]>([])

    package init() {}

    package func ring(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        waiting.withLock { waiting in
            waiting += connections.map { Ring(connection: $0, execution: execution) }
        }
    }

    /// The rings since the last call, in order.
    package func take() -> [Ring] {
        waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }
}
