package import NIOCore

/// One WebSocket connection that stands, of a server or of a client. It may be used from any task.
///
/// Messages are pulled with ``next()``, which slows the peer down when no task pulls, or pushed with
/// ``push(to:onQuiesce:)``. Its owner must ``close(code:reason:)`` it in the end.
package final class WebSocketConnection: Sendable {
    /// The channel's event loop. An actor that runs on it sends without changing threads.
    package let eventLoop: any EventLoop
    package let remoteAddress: SocketAddress?
    /// The subprotocol that was agreed on.
    package let subprotocol: String?
    /// Succeeds with how it ended, when the channel is closed; it never fails.
    package let closed: EventLoopFuture<WebSocketClosure>
    let channel: any Channel
    private let inbox: WebSocketInbox
    private let handler: NIOLoopBound<WebSocketHandler>
    private let encoder: FrameEncoder

    /// Makes the connection of `channel`, whose handshake is over, and adds its handler. On the channel's event loop.
    init(
        on channel: any Channel, role: WebSocketRole, configuration: WebSocketConfiguration, subprotocol: String?,
        compression: PerMessageDeflate?, pool: CompressorPool
    ) throws {
        try channel.syncOptions?.setOption(
            .writeBufferWaterMark,
            value: .init(low: configuration.lowWaterMark, high: configuration.highWaterMark))
        let closed = channel.eventLoop.makePromise(of: WebSocketClosure.self)
        inbox = WebSocketInbox(limit: configuration.inboxLimit)
        let handler = WebSocketHandler(
            role: role, configuration: configuration, compression: compression, pool: pool, inbox: inbox,
            closed: closed)
        self.channel = channel
        encoder = handler.encoder
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        self.closed = closed.futureResult
        self.subprotocol = subprotocol
        eventLoop = channel.eventLoop
        remoteAddress = channel.remoteAddress
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// How it ended, or is ending: known as soon as one side has said so; `nil` while it stands.
    package var closure: WebSocketClosure? { inbox.closure }

    // MARK: Receiving

    /// The peer's next message, in order; `nil` after the last if the connection was closed with 1000 or 1001.
    ///
    /// For one task at a time. What waits is bounded by `inboxLimit` and one message; then reading stops.
    /// - Throws: ``WebSocketError`` after the last message if it ended otherwise, `CancellationError`.
    package func next() async throws -> WebSocketMessage? {
        switch try await inbox.next() {
        case .message(let message, let makesRoom):
            if makesRoom {
                eventLoop.execute { [handler] in handler.value.resumeReading() }
            }
            return message
        case .closed(let closure):
            guard closure.isClean else { throw closure.error }
            return nil
        }
    }

    /// From now on hands every message to `sink`, on the event loop, as it comes; those that wait already come first.
    ///
    /// - Parameter onQuiesce: is called on the event loop when the server shuts down; without it the connection is
    ///   closed with 1001.
    package func push(
        to sink: @escaping @Sendable (WebSocketMessage) -> Void, onQuiesce: (@Sendable () -> Void)? = nil
    ) {
        onEventLoop { $0.push(to: sink, onQuiesce: onQuiesce) }
    }

    // MARK: Sending

    /// Sends each buffer, valid UTF-8, as one text message. All of them go out with one flush.
    ///
    /// Suspends while more than the high-water mark waits for the peer; several senders get their turns in order. On
    /// the connection's event loop it doesn't change threads. A return means written, not received.
    ///
    /// - Parameter worker: does what takes milliseconds: it compresses what is large, if that was agreed on. Then one
    ///   task at a time may send. Without it, the event loop compresses.
    /// - Throws: ``WebSocketError`` that says how the connection ended, `CancellationError` (then nothing was sent),
    ///   and what `worker` throws.
    nonisolated(nonsending) package func send(
        texts: [ByteBuffer], compressingBy worker: Worker? = nil
    ) async throws {
        guard let worker, encoder.takesLong(texts) else { return try await send(.messages(texts, .text)) }
        let frames = try await worker { [encoder] in encoder.frames(of: texts, as: .text) }
        try await send(.frames(frames))
    }

    /// Runs what it is given on a thread of its own choice.
    package typealias Worker = @Sendable (@escaping @Sendable () -> [ByteBuffer]) async throws -> [ByteBuffer]

    /// Sends each buffer as one binary message, else like ``send(texts:)``.
    nonisolated(nonsending) package func send(binaries: [ByteBuffer]) async throws {
        try await send(.messages(binaries, .binary))
    }

    /// Sends one text message at once, or drops it: where the peer doesn't read, or the connection has ended. For what
    /// is said again in a while.
    package func post(text: ByteBuffer) {
        onEventLoop { _ = try? $0.send(.messages([text], .text)) }
    }

    /// Whether less than the high-water mark waits for the peer, or than the low-water mark since it was reached.
    package var isWritable: Bool { channel.isWritable }

    /// Waits until it is writable, behind what others wait to send.
    ///
    /// - Throws: ``WebSocketError`` that says how the connection ended, `CancellationError`.
    nonisolated(nonsending) package func whenWritable() async throws {
        if !isWritable { try await send(.frames([])) }
    }

    nonisolated(nonsending) private func send(_ content: PendingSend.Content) async throws {
        if eventLoop.inEventLoop, try handler.value.send(content) { return }
        let ticket = PendingSend.Ticket()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let send = PendingSend(content: content, ticket: ticket, continuation: continuation)
                onEventLoop { $0.sendLater(send) }
            }
        } onCancel: {
            ticket.cancel()
            eventLoop.execute { [handler] in handler.value.dropCancelledSends() }
        }
    }

    // MARK: Closing

    /// Starts to close, behind what was sent. It may be called from anywhere, and more than once: the first call
    /// counts.
    package func startClosing(_ code: WebSocketCloseCode = .normal, reason: String = "") {
        onEventLoop { $0.startClosing(code, reason: reason) }
    }

    /// Closes, behind what was sent, and waits until the connection is gone: at most the time limits of a stall and of
    /// closing.
    @discardableResult
    package func close(_ code: WebSocketCloseCode = .normal, reason: String = "") async -> WebSocketClosure {
        startClosing(code, reason: reason)
        return await whenClosed()
    }

    /// Waits until the connection is gone, however it ends.
    package func whenClosed() async -> WebSocketClosure {
        // The future doesn't fail; its type can't say so.
        (try? await closed.get()) ?? .failure(.connectionLost("it ended"))
    }

    /// Gives up a peer that doesn't read, as the stall watch does: says 1013 behind what waits for it, and hangs up if
    /// that doesn't go within the time limit of closing.
    package func giveUp() {
        onEventLoop { $0.stalled() }
    }

    /// Hangs up at once, without a close frame.
    package func abort() {
        onEventLoop { $0.drop(.connectionLost("it was given up")) }
    }

    private func onEventLoop(_ body: @escaping @Sendable (WebSocketHandler) -> Void) {
        if eventLoop.inEventLoop {
            body(handler.value)
        } else {
            eventLoop.execute { [handler] in body(handler.value) }
        }
    }
}

/// One whole message of the peer. Text is valid UTF-8.
package enum WebSocketMessage: Hashable, Sendable {
    case text(ByteBuffer)
    case binary(ByteBuffer)

    /// The message's bytes, whichever type it has.
    package var bytes: ByteBuffer {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        }
    }
}
