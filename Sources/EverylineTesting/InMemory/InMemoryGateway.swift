package import Everyline
package import NIOCore
import Synchronization

/// A gateway in memory, as strict as the real one: it knows a connection only between its opening and its closing, and
/// takes no message above its limit.
package final class InMemoryGateway: Gateway {
    /// A message of the gateway may be this long.
    package static let limit: ByteCount = .kibibytes(128)

    private struct State {
        var open: Set<ConnectionID> = []
        var received: [ConnectionID: [ByteBuffer]] = [:]
        var refusals: [PostResult] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// The connection's integration has returned.
    package func open(_ id: ConnectionID) {
        state.withLock { _ = $0.open.insert(id) }
    }

    /// The next posts have these results, and are not carried out.
    package func refuse(_ results: [PostResult]) {
        state.withLock { $0.refusals += results }
    }

    package func isOpen(_ id: ConnectionID) -> Bool { state.withLock { $0.open.contains(id) } }

    /// What was accepted for the connection.
    package func received(by id: ConnectionID) -> [ByteBuffer] { state.withLock { $0.received[id] ?? [] } }

    package func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult {
        state.withLock { state in
            if !state.refusals.isEmpty { return state.refusals.removeFirst() }
            guard state.open.contains(connection) else { return .gone }
            guard message.readableBytes <= Self.limit else { return .failed }
            state.received[connection, default: []].append(message)
            return .accepted
        }
    }

    package func close(_ connection: ConnectionID) async {
        state.withLock { _ = $0.open.remove(connection) }
    }
}

/// A notifier that keeps its notifications until they are taken.
package final class InMemoryViewerNotifier: ViewerNotifier {
    private let waiting = Mutex<[ConnectionPlace]>([])

    package init() {}

    package func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        waiting.withLock { $0 += connections.map { ConnectionPlace(id: $0, execution: execution) } }
    }

    /// The notifications since the last call, in order.
    package func take() -> [ConnectionPlace] {
        waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }
}
