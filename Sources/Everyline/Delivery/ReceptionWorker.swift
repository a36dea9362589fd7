/// Takes what viewers say, and their coming and going: carries out ``Reception`` against the ports.
public struct ReceptionWorker: Sendable {
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let doorbell: any Doorbell
    private let gateway: any Gateway
    private let look: @Sendable (ExecutionID) async -> Void
    private let lease: Duration
    private let now: @Sendable () -> Timestamp

    /// - Parameter look: has a look taken at an execution whose log has no end; it may come to nothing.
    public init(
        log: any LogReader, connections: any ConnectionStore, doorbell: any Doorbell, gateway: any Gateway,
        look: @escaping @Sendable (ExecutionID) async -> Void, lease: Duration, now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.connections = connections
        self.doorbell = doorbell
        self.gateway = gateway
        self.look = look
        self.lease = lease
        self.now = now
    }

    /// A connection is being made. A viewer that can't say from where it goes on is rung at once; since the gateway doesn't
    /// know the connection before this has returned, that ring may have to come back.
    ///
    /// - Parameter refusal: why it may not be made after all, if so. It is asked for when the record is there: of two that
    ///   come at once, one sees the other; and a revocation that ends all connections of a key finds it, or was seen here.
    /// - Returns: the refusal; then the record is closed.
    /// - Throws: what the ports throw, and the refusal's cause; then the connection must be refused.
    public func connect<Refusal: Sendable>(
        _ id: ConnectionID, _ connection: ViewerConnection, unless refusal: () async throws -> Refusal?
    ) async throws -> Refusal? {
        try await connections.connect(id, connection)
        do {
            guard let refusal = try await refusal() else {
                if connection.form == .lines { try await doorbell.ring([id], of: connection.execution) }
                return nil
            }
            _ = try await connections.update(id, of: connection.execution, .close)
            return refusal
        } catch {
            // No `$disconnect` follows that would close it. If it stays open, it expires.
            _ = try? await connections.update(id, of: connection.execution, .close)
            throw error
        }
    }

    /// A connection has gone. It is not said of all of them.
    ///
    /// - Throws: what the store throws.
    public func disconnect(_ id: ConnectionID) async throws {
        guard let execution = try await connections.execution(of: id) else { return }
        _ = try await connections.update(id, of: execution, .close)
    }

    /// A viewer says something.
    public func receive(_ message: ViewerMessage, from id: ConnectionID) async -> Reception.Outcome {
        do {
            guard let execution = try await connections.execution(of: id) else {
                await gateway.close(id)
                return .done
            }
            return await receive(message, from: id, of: execution)
        } catch {
            return .failed
        }
    }

    private func receive(
        _ message: ViewerMessage, from id: ConnectionID, of execution: ExecutionID
    ) async -> Reception.Outcome {
        var reception = Reception(of: message, lease: lease)
        var action = reception.handle(.begin(now: now()))
        while true {
            if case .finish(let outcome) = action { return outcome }
            action = reception.handle(await carryOut(action, id, of: execution))
        }
    }

    private func carryOut(
        _ action: Reception.Action, _ id: ConnectionID, of execution: ExecutionID
    ) async -> Reception.Input {
        do {
            switch action {
            case .update(let update):
                return try await connections.update(id, of: execution, update).map(Reception.Input.updated) ?? .refused
            case .readConnection:
                return .connection(try await connections.connection(id, of: execution))
            case .readHead:
                return .head(try await log.head(of: execution))
            case .ring:
                try await doorbell.ring([id], of: execution)
                return .rung
            case .answer(let frame):
                _ = await gateway.post(frame.message, to: id)
                return .answered
            case .look:
                await look(execution)
                return .looked
            case .close:
                await gateway.close(id)
                return .closed
            case .finish:
                preconditionFailure("the end of a reception is no step")
            }
        } catch {
            return .failed
        }
    }
}
