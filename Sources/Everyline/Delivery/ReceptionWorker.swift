/// Takes what viewers say, and their coming and going: carries out ``Reception`` against the ports.
public struct ReceptionWorker: Sendable {
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let doorbell: any Doorbell
    private let gateway: any Gateway
    private let lease: Duration
    private let now: @Sendable () -> Timestamp

    public init(
        log: any LogReader, connections: any ConnectionStore, doorbell: any Doorbell, gateway: any Gateway,
        lease: Duration, now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.connections = connections
        self.doorbell = doorbell
        self.gateway = gateway
        self.lease = lease
        self.now = now
    }

    /// A connection is being made. A viewer that can't say from where it goes on is rung at once; since the gateway doesn't
    /// know the connection before this has returned, that ring may have to come back.
    ///
    /// - Throws: what the ports throw; then the connection must be refused.
    public func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        try await connections.connect(id, connection)
        if connection.form == .lines { try await doorbell.ring([id], of: connection.execution) }
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
