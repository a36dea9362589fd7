import NIOCore
import NIOHTTP1

/// The gate of one connection: everything that comes goes through it, until the connection is a WebSocket.
final class UpgradeGateHandler<HTTP: Sendable, Context: Sendable>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias Outcome = WebSocketUpgradeResult<HTTP, Context>
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        case awaitingHead(ByteBuffer, searched: Int)
        /// Being decided or handed over; nothing is read. `rest` came in spite of that, and goes to what is next.
        case waiting(rest: ByteBuffer)
        case http(HTTPSideChannel)
        case done
    }

    /// A longer head is left to the HTTP decoder, which knows its own limit.
    var headLimit: Int { 32 * 1024 }
    /// A client has nothing to say before it is answered. One that says more than this is hung up on.
    private var restLimit: Int { 64 * 1024 }

    let gate: WebSocketUpgradeGate<Context>
    let http: @Sendable (any Channel) -> EventLoopFuture<HTTP>
    var result: EventLoopPromise<Outcome>
    var state = State.awaitingHead(ByteBuffer(), searched: 0)
    var context: ChannelHandlerContext?
    var isReadPending = false
    var mustQuiesce = false
    var isInputClosed = false
    private var timer: Scheduled<Void>?

    init(
        gate: WebSocketUpgradeGate<Context>, http: @escaping @Sendable (any Channel) -> EventLoopFuture<HTTP>,
        result: EventLoopPromise<Outcome>
    ) {
        self.gate = gate
        self.http = http
        self.result = result
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { startTimer() }
    }

    func channelActive(context: ChannelHandlerContext) {
        startTimer()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connectionEnded()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connectionEnded()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .http(let side) = state { return side.pipeline.fireErrorCaught(error) }
        end(with: .connectionLost(String(describing: error)))
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        switch state {
        case .waiting: isReadPending = true
        // The HTTP handlers' back-pressure is asked.
        case .http(let side): side.pipeline.read()
        case .awaitingHead, .done: context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .awaitingHead(var head, let searched):
            // The state lets go of the buffer, so that it isn't copied.
            state = .done
            var bytes = Self.unwrapInboundIn(data)
            head.writeBuffer(&bytes)
            received(head, searched: searched)
        case .waiting(var rest):
            state = .done
            rest.writeImmutableBuffer(Self.unwrapInboundIn(data))
            state = .waiting(rest: rest)
            if rest.readableBytes > restLimit { context.close(promise: nil) }
        case .http(let side):
            side.pipeline.syncOperations.fireChannelRead(data)
        case .done:
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard case .http(let side) = state else { return context.fireChannelReadComplete() }
        side.pipeline.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard case .http(let side) = state else { return context.fireChannelWritabilityChanged() }
        side.pipeline.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The next handler or channel is told too.
        if event is ChannelShouldQuiesceEvent { mustQuiesce = true }
        if case ChannelEvent.inputClosed = event { isInputClosed = true }
        switch (event, state) {
        case (_, .http(let side)):
            side.pipeline.syncOperations.fireUserInboundEventTriggered(event)
        case (is ChannelShouldQuiesceEvent, .waiting), (ChannelEvent.inputClosed, .waiting):
            break
        case (is ChannelShouldQuiesceEvent, .awaitingHead), (ChannelEvent.inputClosed, .awaitingHead):
            context.close(promise: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Ends

    private func connectionEnded() {
        if case .http(let side) = state { side.end() }
        end(with: .connectionLost("before it became a WebSocket"))
    }

    func end(with error: WebSocketError) {
        if case .done = state { return }
        state = .done
        stopTimer()
        result.fail(error)
    }

    func startTimer() {
        guard timer == nil, let context else { return }
        let timeout = TimeAmount(gate.configuration.firstRequestTimeout)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in self?.timedOut() }
    }

    func stopTimer() {
        timer?.cancel()
        timer = nil
    }

    private func timedOut() {
        let state = state
        end(with: .timedOut("no request in time, or no decision about it"))
        switch state {
        case .awaitingHead(let bytes, _) where bytes.readableBytes > 0:
            answerAndClose(.refusal("408 Request Timeout"))
        default:
            context?.close(promise: nil)
        }
    }

    func answerAndClose(_ response: ByteBuffer) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.context?.close(promise: nil) }
        context.writeAndFlush(Self.wrapOutboundOut(response), promise: written)
    }
}
