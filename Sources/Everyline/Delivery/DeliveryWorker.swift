public import NIOCore

/// Answers rings: carries out ``Delivery`` against the ports.
public struct DeliveryWorker: Sendable {
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let gateway: any Gateway
    private let settings: DeliverySettings
    private let now: @Sendable () -> Timestamp

    public init(
        log: any LogReader, connections: any ConnectionStore, gateway: any Gateway, settings: DeliverySettings,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.connections = connections
        self.gateway = gateway
        self.settings = settings
        self.now = now
    }

    /// Takes one turn of sending to a viewer. ``Delivery/Outcome/ring`` says what the queue does with the ring.
    ///
    /// - Parameter owner: names this worker; never two at once by the same name.
    public func deliver(
        to id: ConnectionID, of execution: ExecutionID, as owner: String
    ) async -> Delivery.Outcome {
        var delivery = Delivery()
        var viewer: ViewerConnection?
        let deadline = now() + settings.turn
        var action = delivery.handle(.begin)
        while true {
            if case .finish(let outcome) = action { return outcome }
            let input = await carryOut(action, to: id, of: execution, as: owner, &viewer)
            action = delivery.handle(input, isTimeUp: now() >= deadline)
        }
    }

    private func carryOut(
        _ action: Delivery.Action, to id: ConnectionID, of execution: ExecutionID, as owner: String,
        _ viewer: inout ViewerConnection?
    ) async -> Delivery.Input {
        do {
            switch action {
            case .acquire:
                let update = ConnectionUpdate.acquire(owner: owner, now: now(), lease: settings.lease)
                viewer = try await connections.update(id, of: execution, update)
                return viewer.map(Delivery.Input.updated) ?? .refused
            case .inspect:
                let connection = try await connections.connection(id, of: execution)
                return .inspected(isServable: connection?.isServable(at: now()) ?? false)
            case .read(let after):
                let limit = settings.frame - GatewayFrame.maximumOverhead
                return .read(try await log.read(execution, after: after, limit: limit))
            case .post(let block, let generation):
                return await post(block, generation, to: id, viewer)
            case .advance(let fence, let from, let to, let lastSeen, let outcome):
                let update = ConnectionUpdate.advance(
                    fence: fence, from: from, to: to, lastSeen: lastSeen, now: now(),
                    lease: outcome == nil ? settings.lease : nil)
                let updated = try await connections.update(id, of: execution, update)
                return updated.map(Delivery.Input.updated) ?? .refused
            case .release(let fence, _):
                _ = try await connections.update(id, of: execution, .release(fence: fence))
            case .conclude(let fence):
                let updated = try await connections.update(id, of: execution, .conclude(fence: fence))
                return updated.map(Delivery.Input.updated) ?? .refused
            case .close:
                await gateway.close(id)
                return .closed
            case .finish:
                preconditionFailure("the end of a turn is no step")
            }
            return .released
        } catch {
            return .failed
        }
    }

    private func post(
        _ block: EventBlock, _ generation: UInt64, to id: ConnectionID, _ viewer: ViewerConnection?
    ) async -> Delivery.Input {
        guard let viewer else { preconditionFailure("a post before the lock") }
        for message in viewer.form.gatewayMessages(of: block, to: viewer, generation: generation) {
            switch await gateway.post(message, to: id) {
            case .accepted: continue
            case .gone: return viewer.isSettled(at: now()) ? .gone : .postFailed
            case .throttled, .failed: return .postFailed
            }
        }
        return .posted
    }
}

extension StreamForm {
    /// The messages that carry a block through a gateway.
    public func gatewayMessages(
        of block: EventBlock, to viewer: ViewerConnection, generation: UInt64
    ) -> [ByteBuffer] {
        switch self {
        case .blocks:
            let frame = GatewayFrame.block(
                generation: generation, start: viewer.start, execution: viewer.execution, lines: block.message)
            return [frame.message]
        case .lines:
            return messages(of: [block], frameLimit: .max)
        }
    }
}
