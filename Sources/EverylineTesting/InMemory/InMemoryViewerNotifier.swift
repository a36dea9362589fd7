package import Everyline
import Synchronization

/// A notifier that keeps its notifications until they are taken.
package final class InMemoryViewerNotifier: ViewerNotifier {
    package struct ViewerNotification: Sendable, Equatable {
        package let connection: ConnectionID
        package let execution: ExecutionID
    }

    private let waiting = Mutex<[ViewerNotification]>([])

    package init() {}

    package func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        waiting.withLock { waiting in
            waiting += connections.map { ViewerNotification(connection: $0, execution: execution) }
        }
    }

    /// The notifications since the last call, in order.
    package func take() -> [ViewerNotification] {
        waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }
}
