import Everyline
import EverylineWebSocket
import Logging
import NIOCore

/// One viewer: a tail, and a connection that sets its pace. It runs on the connection's own event loop, so that what is
/// in memory reaches the socket without changing threads.
///
/// A viewer that waits costs the memory of the calls that wait: so they are few.
actor ViewerStream {
    private let connection: WebSocketConnection
    private let eventLoop: any EventLoop
    private let request: AdmittedStream<StreamPlace>
    private let parts: StreamChannel.Parts

    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    init(_ connection: WebSocketConnection, of request: AdmittedStream<StreamPlace>, _ parts: StreamChannel.Parts) {
        self.connection = connection
        self.eventLoop = connection.eventLoop
        self.request = request
        self.parts = parts
    }

    /// Sends until the `end` event, then closes with 1000; or until the connection is gone.
    func run(logger: Logger) async {
        parts.metrics.streamOpened()
        do {
            if request.restoration == nil { try await send() } else { try await sendRestoration() }
        } catch {
            startClosing(after: error, logger: logger)
        }
        await noteClosing()
    }

    @inline(never)
    private func noteClosing() async {
        let closure = await connection.whenClosed()
        parts.metrics.streamClosed(stalled: closure.cause == .failure(.stalled))
    }

    @inline(never)
    private func startClosing(after error: any Error, logger: Logger) {
        do {
            throw error
        } catch is CancellationError {
            // The connection was closed while nothing was to be sent, or the server is going.
            connection.startClosing(.goingAway)
        } catch is WebSocketError {
            connection.startClosing(.goingAway)
        } catch is StreamPlace.KeyRevoked {
            connection.startClosing(.policyViolation, reason: "the key was revoked")
        } catch LogStoreError.unknownExecution {
            connection.startClosing(.unknownExecution, reason: "the log was removed")
        } catch LogStoreError.damaged(let what) {
            logger.error(
                "A log is damaged", metadata: ["execution_id": "\(request.execution)", "what": "\(what)"])
            connection.startClosing(.dataDamaged, reason: "\(what) is damaged on the server's disk")
        } catch {
            logger.error("A stream failed", metadata: ["execution_id": "\(request.execution)", "error": "\(error)"])
            connection.startClosing(.tryAgainLater, reason: "the log can't be read now")
        }
    }

    @inline(never)
    private func sendRestoration() async throws {
        guard let restoration = request.restoration else { return }
        try await connection.send(texts: [encoding.restored(restoration)])
        connection.startClosing(.otherIncarnation, reason: "the server's data were restored from a backup")
    }

    private var encoding: StreamEncoding { connection.subprotocol == APIHeader.subprotocol ? .blocks : .lines }

    @inline(never)
    private func send() async throws {
        var tail = Tail(
            of: request.execution, after: request.after, in: parts.core.log, feed: parts.core.feed,
            limit: parts.limits.read, greets: true)
        let subscription = tail.subscription
        // What a viewer says is not needed here: its cursor is in its address.
        connection.push(to: { _ in })
        connection.closed.whenComplete { _ in subscription.end() }
        while try await send(tail.next()) {}
        connection.startClosing(.normal)
    }

    /// Sends what comes next, and returns when the viewer has taken it.
    ///
    /// - Returns: whether more comes.
    @inline(never)
    private func send(_ step: Tail.Step) async throws -> Bool {
        let start = ContinuousClock.now
        try request.place.check()
        guard let messages = messages(of: step) else { return false }
        let workers = parts.core.resources.workers
        try await connection.send(texts: messages) { compress in try await workers.run(compress) }
        try await whenTaken(messages.reduce(0) { $0 + $1.readableBytes })
        parts.metrics.deliveryTimes.observe(.now - start)
        return true
    }

    /// What a viewer is sent; `nil` behind the end.
    private func messages(of step: Tail.Step) -> [ByteBuffer]? {
        switch step {
        case .blocks(let blocks):
            for block in blocks {
                parts.metrics.countDelivery(events: block.count, bytes: block.bytes.readableBytes)
            }
            return encoding.messages(of: blocks, frameLimit: parts.limits.frame)
        case .pending(let line):
            return encoding.pending(line).map { [$0] } ?? []
        case .idle(let head):
            return encoding.heartbeat(head: head, in: parts.core.log.incarnation).map { [$0] } ?? []
        case .ended:
            return nil
        }
    }

    /// Waits until the viewer has taken what was sent, so that one step is all that it holds, and counts that
    /// meanwhile. Most have taken it by now.
    private func whenTaken(_ bytes: ByteCount) async throws {
        guard !connection.isWritable else { return }
        let waiting = parts.core.resources.unread.hold(bytes) { [connection] in connection.giveUp() }
        defer { waiting.release() }
        try await connection.whenWritable()
    }
}
