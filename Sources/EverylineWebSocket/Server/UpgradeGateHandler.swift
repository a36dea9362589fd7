import NIOCore

/// The gate of one connection; it leaves the pipeline as soon as the first request is decided.
final class UpgradeGateHandler<HTTP: Sendable, Context: Sendable>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaitingHead(ByteBuffer, searched: Int)
        /// Being decided or handed over; nothing is read. `rest` came in spite of that, and goes to whoever is next.
        case waiting(rest: ByteBuffer)
        case done
    }

    /// A longer head is left to the HTTP decoder, which knows its own limit.
    private var headLimit: Int { 32 * 1024 }
    /// A client has nothing to say before it is answered. One that says more than this is hung up on.
    private var restLimit: Int { 64 * 1024 }

    private let gate: WebSocketUpgradeGate<Context>
    private let http: @Sendable (any Channel) -> EventLoopFuture<HTTP>
    private let result: EventLoopPromise<WebSocketUpgradeResult<HTTP, Context>>
    private var state = State.awaitingHead(ByteBuffer(), searched: 0)
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var isReadPending = false
    private var mustQuiesce = false
    private var isInputClosed = false

    init(
        gate: WebSocketUpgradeGate<Context>, http: @escaping @Sendable (any Channel) -> EventLoopFuture<HTTP>,
        result: EventLoopPromise<WebSocketUpgradeResult<HTTP, Context>>
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
        end(with: .connectionLost("before its first request was decided"))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(with: .connectionLost("before its first request was decided"))
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(with: .connectionLost(String(describing: error)))
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if case .waiting = state { isReadPending = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        switch state {
        case .awaitingHead(var head, let searched):
            // The state lets go of the buffer, so that it isn't copied.
            state = .done
            head.writeBuffer(&bytes)
            received(head, searched: searched)
        case .waiting(var rest):
            state = .done
            rest.writeBuffer(&bytes)
            state = .waiting(rest: rest)
            if rest.readableBytes > restLimit { context.close(promise: nil) }
        case .done:
            context.fireChannelRead(data)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (event, state) {
        case (is ChannelShouldQuiesceEvent, .waiting): mustQuiesce = true
        case (ChannelEvent.inputClosed, .waiting): isInputClosed = true
        case (is ChannelShouldQuiesceEvent, .awaitingHead), (ChannelEvent.inputClosed, .awaitingHead):
            context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: The first request

    private func received(_ bytes: ByteBuffer, searched: Int) {
        guard let end = HTTPHead.end(in: bytes, searched: searched) else {
            if bytes.readableBytes > headLimit {
                handOver(bytes)
            } else {
                state = .awaitingHead(bytes, searched: bytes.readableBytes)
            }
            return
        }
        var rest = bytes
        guard let head = rest.readSlice(length: end), let request = UpgradeRequest(head) else { return handOver(bytes) }
        guard request.isWebSocket else {
            var ordinary = request.ordinary
            ordinary.writeBuffer(&rest)
            return handOver(ordinary)
        }
        decide(on: request, rest: rest)
    }

    private func decide(on request: UpgradeRequest, rest: ByteBuffer) {
        guard let context else { return }
        state = .waiting(rest: rest)
        let (decide, head) = (gate.decide, request.requestHead)
        let decision = context.eventLoop.makeFutureWithTask { await decide(head) }
        decision.assumeIsolated().whenSuccess { [weak self] decision in
            // The connection may have ended meanwhile.
            guard let self, case .waiting(let rest) = state else { return }
            switch decision {
            case .accept(let found, let subprotocol):
                upgrade(request, to: subprotocol, with: found, rest: rest)
            case .decline:
                var ordinary = request.ordinary
                ordinary.writeImmutableBuffer(rest)
                handOver(ordinary)
            }
        }
    }

    private func upgrade(_ request: UpgradeRequest, to subprotocol: String?, with found: Context, rest: ByteBuffer) {
        guard let context else { return }
        let configuration = gate.configuration
        switch request.accept(subprotocol: subprotocol, compression: configuration.compression) {
        case .refuse(let status, let response):
            end(with: .handshakeRefused(status: status, body: ""))
            answerAndClose(response)
        case .upgrade(let response, let subprotocol, let compression):
            do {
                let connection = try WebSocketConnection(
                    on: context.channel, role: .server, configuration: configuration, subprotocol: subprotocol,
                    compression: compression, pool: gate.pool)
                context.writeAndFlush(Self.wrapOutboundOut(response), promise: nil)
                leave(forwarding: rest, as: .webSocket(connection, found))
            } catch {
                end(with: .connectionLost(String(describing: error)))
                context.close(promise: nil)
            }
        }
    }

    private func handOver(_ bytes: ByteBuffer) {
        guard let context else { return }
        state = .waiting(rest: bytes)
        http(context.channel).hop(to: context.eventLoop).assumeIsolated().whenComplete { [weak self] prepared in
            guard let self, case .waiting(let rest) = state else { return }
            switch prepared {
            case .success(let prepared):
                leave(forwarding: rest, as: .http(prepared))
            case .failure(let error):
                end(with: .connectionLost(String(describing: error)))
                self.context?.close(promise: nil)
            }
        }
    }

    /// Gives what came so far to the next handler, tells it what it has missed, and goes.
    private func leave(forwarding rest: ByteBuffer, as outcome: WebSocketUpgradeResult<HTTP, Context>) {
        guard let context else { return }
        state = .done
        timer?.cancel()
        timer = nil
        result.succeed(outcome)
        if rest.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(rest))
            context.fireChannelReadComplete()
        }
        if isInputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if mustQuiesce { context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        // Through the whole pipeline, so that the next handlers' back-pressure is asked too.
        if isReadPending { context.pipeline.read() }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    // MARK: Ends

    private func end(with error: WebSocketError) {
        if case .done = state { return }
        state = .done
        timer?.cancel()
        timer = nil
        result.fail(error)
    }

    private func startTimer() {
        guard timer == nil, let context, case .awaitingHead = state else { return }
        let timeout = TimeAmount(gate.configuration.firstRequestTimeout)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in self?.timedOut() }
    }

    private func timedOut() {
        let state = state
        end(with: .timedOut("no first request in time"))
        switch state {
        case .awaitingHead(let bytes, _) where bytes.readableBytes > 0:
            answerAndClose(.refusal("408 Request Timeout"))
        default:
            context?.close(promise: nil)
        }
    }

    private func answerAndClose(_ response: ByteBuffer) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.context?.close(promise: nil) }
        context.writeAndFlush(Self.wrapOutboundOut(response), promise: written)
    }
}
