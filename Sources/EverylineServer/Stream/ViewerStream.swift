import Everyline
import EverylineWebSocket
import Logging
import NIOCore

/// One viewer: a tail, and a connection that sets its pace. It runs on the connection's own event loop, so that what is in
/// memory reaches the socket without changing threads.
actor ViewerStream {
    private let connection: WebSocketConnection
    private let eventLoop: any EventLoop
    private let frameLimit: ByteCount
    private let metrics: ServerMetrics
    private let tail: Tail

    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    init(_ connection: WebSocketConnection, tail: Tail, frameLimit: ByteCount, metrics: ServerMetrics) {
        self.connection = connection
        self.eventLoop = connection.eventLoop
        self.tail = tail
        self.frameLimit = frameLimit
        self.metrics = metrics
    }

    /// Sends until the `end` event, then closes with 1000; or until the connection is gone.
    func run(logger: Logger) async {
        let subscription = tail.subscription
        // What a viewer says is not needed here: its cursor is in its address.
        connection.push(to: { _ in })
        connection.closed.whenComplete { _ in subscription.end() }
        do {
            try await send()
            await connection.close(.normal)
        } catch is CancellationError {
            // The connection was closed while nothing was to be sent, or the server is going.
            await connection.close(.goingAway)
        } catch is WebSocketError {
            await connection.close(.goingAway)
        } catch LogStoreError.unknownExecution {
            await connection.close(.unknownExecution, reason: "the log was removed")
        } catch {
            logger.error("A stream failed", metadata: ["execution_id": "\(tail.execution)", "error": "\(error)"])
            await connection.close(.tryAgainLater, reason: "the log can't be read now")
        }
    }

    private func send() async throws {
        let form: StreamForm = connection.subprotocol == APIHeader.subprotocol ? .blocks : .lines
        var tail = tail
        while true {
            switch try await tail.next() {
            case .blocks(let blocks):
                for block in blocks { metrics.countDelivery(events: block.count, bytes: block.bytes.readableBytes) }
                try await connection.send(texts: form.messages(of: blocks, frameLimit: frameLimit))
            case .idle(let head):
                if let heartbeat = form.heartbeat(head: head) { try await connection.send(texts: [heartbeat]) }
            case .ended:
                return
            }
        }
    }
}
