import Everyline
import EverylineTesting
import NIOCore
import Synchronization

/// Connections, gateway and notifier in memory, that note each step in its order, and where a test lets something
/// happen before a step, or lets it fail.
final class StagedViewers: ConnectionStore, Gateway, ViewerNotifier {
    enum Step: Equatable {
        case acquire, advance, advanceAndRelease, release, finish, close, resume
        case post, notify, hangUp
    }

    struct Unavailable: Error {}

    let connections = InMemoryConnections()
    let gateway = InMemoryGateway()
    let notifier = InMemoryViewerNotifier()
    private struct State {
        var steps: [Step] = []
        var failing: Set<Step> = []
        var before: (step: Step, act: @Sendable () async -> Void)?
    }

    private let state = Mutex(State())

    /// The steps so far, in order.
    var steps: [Step] { state.withLock { $0.steps } }

    /// The next step of this kind fails, without an effect.
    func fail(_ step: Step) { _ = state.withLock { $0.failing.insert(step) } }

    /// Before the next step of this kind something else happens.
    func before(_ step: Step, _ act: @escaping @Sendable () async -> Void) {
        state.withLock { $0.before = (step, act) }
    }

    private func note(_ step: Step) async throws {
        let act = state.withLock { state in
            guard let before = state.before, before.step == step else { return (@Sendable () async -> Void)?.none }
            state.before = nil
            return before.act
        }
        await act?()
        let fails = state.withLock { state in
            state.steps.append(step)
            return state.failing.remove(step) != nil
        }
        if fails { throw Unavailable() }
    }

    func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? {
        try await note(Step(update))
        return try await connections.update(id, of: execution, update)
    }

    func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult {
        do { try await note(.post) } catch { return .failed }
        return await gateway.post(message, to: connection)
    }

    func close(_ connection: ConnectionID) async {
        // A gateway's failure to close is nothing to its caller.
        try? await note(.hangUp)
        await gateway.close(connection)
    }

    func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        try await note(.notify)
        try await notifier.notify(connections, of: execution)
    }

    func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        try await connections.connect(id, connection)
    }

    func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await connections.connection(id, of: execution)
    }

    func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        try await connections.connections(of: execution, at: now)
    }

    func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace] {
        try await connections.connections(with: key, at: now)
    }

    func execution(of id: ConnectionID) async throws -> ExecutionID? { try await connections.execution(of: id) }
}

extension StagedViewers.Step {
    fileprivate init(_ update: ConnectionUpdate) {
        self =
            switch update {
            case .resume: .resume
            case .acquire: .acquire
            case .advance(_, _, _, _, _, let lease): lease == nil ? .advanceAndRelease : .advance
            case .release: .release
            case .finish: .finish
            case .close: .close
            }
    }
}
