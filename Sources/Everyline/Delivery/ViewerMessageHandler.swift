/// Carries out what viewers say, and their coming and going.
///
/// A resumption is written, then notified, then acknowledged: a viewer that hears nothing says it again. A ping is the
/// watchdog: it notifies where something is to be sent and no sender has the lock, or one has had it beyond its lease.
/// So the next ping repairs a lost notification and a sender's crash; and without viewers nothing needs repair. Where
/// nothing waits and the log has no end, a ping has the producer probed: the message that it stopped may have been
/// lost.
package struct ViewerMessageHandler: Sendable {
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let notifier: any ViewerNotifier
    private let gateway: any Gateway
    private let probe: @Sendable (ExecutionID) async -> Void
    private let lease: Duration
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - probe: asks whether an execution whose log has no end still runs; if that fails, the next ping asks again.
    ///   - lease: for how long the senders take their locks.
    package init(
        log: any LogReader, connections: any ConnectionStore, notifier: any ViewerNotifier, gateway: any Gateway,
        probe: @escaping @Sendable (ExecutionID) async -> Void, lease: Duration,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.connections = connections
        self.notifier = notifier
        self.gateway = gateway
        self.probe = probe
        self.lease = lease
        self.now = now
    }

    /// A connection has been made. A viewer that can't say from where it goes on is notified at once; since the gateway
    /// doesn't know the connection before its integration has returned, that notification may have to come back.
    ///
    /// - Throws: what the ports throw; then the connection must be refused.
    package func connected(_ id: ConnectionID, of execution: ExecutionID, as encoding: StreamEncoding) async throws {
        if encoding == .lines { try await notifier.notify([id], of: execution) }
    }

    /// A connection has gone. It is not said of all of them.
    ///
    /// - Throws: what the store throws.
    package func disconnect(_ id: ConnectionID) async throws {
        guard let execution = try await connections.execution(of: id) else { return }
        _ = try await connections.update(id, of: execution, .close)
    }

    /// A viewer says something.
    ///
    /// - Throws: what the ports throw. The viewer says it again: it hears nothing.
    package func receive(_ message: ViewerMessage, from id: ConnectionID) async throws {
        guard let execution = try await connections.execution(of: id) else { return await gateway.close(id) }
        switch message {
        case .resume(let generation, let after): try await resume(id, of: execution, generation, after)
        case .ping: try await answerPing(of: id, execution)
        }
    }

    private func resume(
        _ id: ConnectionID, of execution: ExecutionID, _ generation: UInt64, _ after: Offset
    ) async throws {
        let time = now()
        let update = ConnectionUpdate.resume(generation: generation, after: after)
        if try await connections.update(id, of: execution, update) == nil {
            guard let connection = try await connections.connection(id, of: execution), connection.isUsable(at: time)
            else { return await gateway.close(id) }
            // The viewer has resumed again since: this older resumption comes late and changes nothing. One that was
            // cut off between its write and its notification is carried out once more.
            guard connection.generation == generation else { return }
        }
        try await notifier.notify([id], of: execution)
        let head = try await log.head(of: execution)
        await answer(id, .resumed(generation: generation, head: head.offset))
    }

    private func answerPing(of id: ConnectionID, _ execution: ExecutionID) async throws {
        let time = now()
        // One that pings before its record knows of a resumption was told of it by mistake (as the viewer before, who
        // had the same id): nothing is ever sent to it. A new connection is.
        guard let connection = try await connections.connection(id, of: execution), connection.isServable(at: time)
        else { return await gateway.close(id) }
        let head = try await log.head(of: execution)
        // At the end of an ended log there is still something to do: to close.
        let isBehind = connection.cursor < head.offset || head.isEnded
        if isBehind, !connection.isLocked(at: time, lease: lease) { try await notifier.notify([id], of: execution) }
        await answer(id, .heartbeat(head: head.offset, in: log.incarnation))
        if !isBehind { await probe(execution) }
    }

    /// Whether it arrives changes nothing.
    private func answer(_ id: ConnectionID, _ frame: GatewayFrame) async {
        _ = await gateway.post(frame.message, to: id)
    }
}
