package import NIOCore

/// Sends to viewers, one pass at a time: lock, then read, post and advance until nothing is left, then release.
///
/// The order is what makes it safe. A block is posted before the cursor moves, so a crash between the two repeats a
/// block and never skips one. The cursor moves only under the fence, so a sender that was too slow can send at most the
/// one block it had in hand, which the viewer refuses by its generation or its next offset.
package struct Sender: Sendable {
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let gateway: any Gateway
    private let settings: DeliverySettings
    private let now: @Sendable () -> Timestamp

    package init(
        log: any LogReader, connections: any ConnectionStore, gateway: any Gateway, settings: DeliverySettings,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.connections = connections
        self.gateway = gateway
        self.settings = settings
        self.now = now
    }

    package enum Outcome: Sendable, Equatable {
        /// Nothing is left to send now; the notification's message can go.
        case idle
        /// The log's end was posted.
        case completed
        /// The viewer is gone, or is yet to resume.
        case gone
        /// There is more, and the pass was long: notify again and give way.
        case yield
        /// Another sender has the lock, or a step failed: the message must come back, it must not be deleted.
        case retry
        /// The lock was lost on the way; the sender that has it now goes on.
        case lostLock

        /// What the queue does with the notification that the pass answered.
        package var notification: NotificationFate {
            switch self {
            case .idle, .completed, .gone, .lostLock: .delete
            case .yield: .notifyAgainAndDelete
            case .retry: .keep
            }
        }
    }

    package enum NotificationFate: Sendable, Equatable {
        case delete
        /// In this order: a notification too many is nothing, one too few is a viewer that waits.
        case notifyAgainAndDelete
        /// It must become visible again, and holds up the notifications of this connection until then.
        case keep
    }

    /// Takes one pass of sending to a viewer. ``Outcome/notification`` says what the queue does with the notification.
    ///
    /// - Parameter owner: names this worker; never two at once by the same name.
    package func send(to id: ConnectionID, of execution: ExecutionID, as owner: String) async -> Outcome {
        let deadline = now() + settings.pass
        let lock = ConnectionUpdate.acquire(owner: owner, now: now(), lease: settings.lease)
        let viewer: ViewerConnection
        do {
            guard let locked = try await connections.update(id, of: execution, lock) else {
                // One that may not be sent to yet is notified again when its viewer resumes.
                let connection = try await connections.connection(id, of: execution)
                return connection?.isServable(at: now()) == true ? .retry : .gone
            }
            viewer = locked
        } catch {
            return .retry
        }
        do {
            return try await pass(viewer, id, until: deadline)
        } catch {
            await release(viewer, id)
            return .retry
        }
    }

    /// - Throws: where a step has failed, and the lock may still be ours.
    private func pass(
        _ locked: ViewerConnection, _ id: ConnectionID, until deadline: Timestamp
    ) async throws -> Outcome {
        var viewer = locked
        var sent = 0
        while true {
            let limit = settings.frame - GatewayFrame.maximumOverhead
            let read = try await log.read(viewer.execution, after: viewer.cursor, limit: limit)
            guard let block = read.block else { return try await complete(viewer, id, at: read.head) }
            precondition(block.predecessor == viewer.cursor, "a store gave \(block.first) after \(viewer.cursor)")
            guard try await post(block, to: id, viewer) else { return try await finish(viewer, id, .gone) }
            sent += 1
            let outcome = last(block, head: read.head.offset, isTimeUp: now() >= deadline || sent >= settings.blocks)
            let advance = ConnectionUpdate.advance(
                fence: viewer.fence, from: viewer.cursor, to: block.last,
                lastSeen: max(block.latest, viewer.lastSeen ?? .epoch), now: now(),
                lease: outcome == nil ? settings.lease : nil)
            guard let advanced = try await connections.update(id, of: viewer.execution, advance) else {
                return .lostLock
            }
            if let outcome { return outcome }
            if block.endsLog { return try await finish(advanced, id, .completed) }
            viewer = advanced
        }
    }

    /// - Returns: whether the gateway took all of it; if not, it has no such connection.
    /// - Throws: ``PostFailed``.
    private func post(_ block: EventBlock, to id: ConnectionID, _ viewer: ViewerConnection) async throws -> Bool {
        for message in viewer.encoding.gatewayMessages(of: block, to: viewer) {
            switch await gateway.post(message, to: id) {
            case .accepted: continue
            case .gone where viewer.isSettled(at: now()): return false
            case .gone, .throttled, .failed: throw PostFailed()
            }
        }
        return true
    }

    /// The gateway doesn't know the connection yet, wants less, or failed.
    private struct PostFailed: Error {}

    /// How the pass ends with this block; `nil` if it goes on. What was appended since the reading has a notification
    /// of its own, which waits behind this pass.
    private func last(_ block: EventBlock, head: Offset, isTimeUp: Bool) -> Outcome? {
        if block.endsLog { return nil }
        if block.last >= head { return .idle }
        return isTimeUp ? .yield : nil
    }

    /// Nothing was there to be read.
    private func complete(_ viewer: ViewerConnection, _ id: ConnectionID, at head: LogHead) async throws -> Outcome {
        if head.isEnded, head.offset <= viewer.cursor { return try await finish(viewer, id, .completed) }
        await release(viewer, id)
        // A head that is newer than the block that came with it says that there is something to read after all.
        return head.isEnded ? .retry : .idle
    }

    /// Everything has been sent, or the connection doesn't exist any more.
    private func finish(
        _ viewer: ViewerConnection, _ id: ConnectionID, _ outcome: Outcome
    ) async throws -> Outcome {
        let update = ConnectionUpdate.finish(fence: viewer.fence)
        guard try await connections.update(id, of: viewer.execution, update) != nil else { return .lostLock }
        if outcome == .completed { await gateway.close(id) }
        return outcome
    }

    /// Its refusal changes nothing, and if it fails, the lease ends by itself.
    private func release(_ viewer: ViewerConnection, _ id: ConnectionID) async {
        _ = try? await connections.update(id, of: viewer.execution, .release(fence: viewer.fence))
    }
}

extension StreamEncoding {
    /// The messages that carry a block through a gateway.
    package func gatewayMessages(of block: EventBlock, to viewer: ViewerConnection) -> [ByteBuffer] {
        switch self {
        case .blocks:
            let frame = GatewayFrame.block(
                generation: viewer.generation, start: viewer.start, execution: viewer.execution, lines: block.message)
            return [frame.message]
        case .lines:
            return messages(of: [block], frameLimit: .max)
        }
    }
}

/// How one worker sends to one viewer.
package struct DeliverySettings: Sendable, Equatable {
    /// For how long a lock is taken, and renewed with each block. Longer than a pass and than any post.
    package var lease: Duration
    /// How long a pass may last before it gives way, and how many blocks it may send.
    package var pass: Duration
    package var blocks: Int
    /// The longest message, with its head line; but a single event that is longer goes alone.
    package var frame: ByteCount

    package init(
        lease: Duration = .seconds(30), pass: Duration = .seconds(10), blocks: Int = 64,
        frame: ByteCount = .kibibytes(120)
    ) {
        self.lease = lease
        self.pass = pass
        self.blocks = blocks
        self.frame = frame
    }
}
