import NIOCore
import NIOHTTP1

/// A request that may be one for a WebSocket, from its bytes to what the connection becomes.
extension UpgradeGateHandler {
    /// - Parameter bytes: what the connection has said so far.
    func received(_ bytes: ByteBuffer, searched: Int) {
        guard let end = HTTPHead.end(in: bytes, searched: searched) else {
            // What no request begins with, a TLS handshake for one, is answered at once.
            let isRequest = bytes.readableBytesView.first.map(Self.mayBeginRequest) ?? true
            if bytes.readableBytes > headLimit || !isRequest {
                handOver(bytes)
            } else {
                state = .awaitingHead(bytes, searched: bytes.readableBytes)
            }
            return
        }
        var rest = bytes
        guard let head = rest.readSlice(length: end), let request = UpgradeRequest(head) else { return handOver(bytes) }
        judge(request, rest: rest)
    }

    /// Whether it is of a method's name, or of an empty line before it.
    private static func mayBeginRequest(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), 0x0D, 0x0A: true
        default: false
        }
    }

    /// Gets the connection back from its HTTP side, which ends.
    private func received(_ upgrade: LateUpgrade) {
        guard case .http(let side) = state else { return }
        state = .waiting(rest: ByteBuffer())
        // The HTTP side may have kept one to itself.
        isReadPending = true
        side.end()
        startTimer()
        judge(UpgradeRequest(upgrade.head), rest: upgrade.rest)
    }

    private func judge(_ request: UpgradeRequest, rest: ByteBuffer) {
        guard let context else { return }
        guard request.isWebSocket else { return handOver(request.ordinary, rest) }
        state = .waiting(rest: rest)
        let (decide, head) = (gate.decide, request.requestHead)
        let decision = context.eventLoop.makeFutureWithTask { await decide(head) }
        decision.assumeIsolated().whenSuccess { [weak self] decision in
            // The connection may have ended meanwhile.
            guard let self, case .waiting(let rest) = state else { return }
            switch decision {
            case .accept(let found, let subprotocol): accept(request, to: subprotocol, with: found, rest: rest)
            case .decline: handOver(request.ordinary, rest)
            }
        }
    }

    // MARK: To a WebSocket

    private func accept(_ request: UpgradeRequest, to subprotocol: String?, with found: Context, rest: ByteBuffer) {
        guard let context else { return }
        let configuration = gate.configuration
        switch request.accept(subprotocol: subprotocol, compression: configuration.compression) {
        case .refuse(let status, let response):
            end(with: .handshakeRefused(status: status, body: ""))
            answerAndClose(response)
        case .upgrade(let response, let subprotocol, let compression):
            do {
                // A channel keeps as many buffers as this, large ones after an upload, and an idle viewer would have
                // them.
                try context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
                try context.channel.syncOptions?.setOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(
                        minimum: 512, initial: 512, maximum: configuration.maximumRead))
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

    /// Leaves the connection to the next handler.
    private func leave(forwarding rest: ByteBuffer, as outcome: Outcome) {
        guard let context else { return }
        state = .done
        stopTimer()
        result.succeed(outcome)
        if rest.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(rest))
            context.fireChannelReadComplete()
        }
        tellEvents(to: context)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    // MARK: To the HTTP side

    private func handOver(_ bytes: ByteBuffer, _ rest: ByteBuffer = ByteBuffer()) {
        guard let context else { return }
        var bytes = bytes
        bytes.writeImmutableBuffer(rest)
        state = .waiting(rest: bytes)
        let side = HTTPSideChannel(inside: context) { [weak self] upgrade in self?.received(upgrade) }
        http(side).hop(to: context.eventLoop).assumeIsolated().whenComplete { [weak self] prepared in
            guard let self, case .waiting(let rest) = state else { return side.end() }
            switch prepared {
            case .success(let prepared):
                serve(prepared, on: side, forwarding: rest)
            case .failure(let error):
                side.end()
                end(with: .connectionLost(String(describing: error)))
                self.context?.close(promise: nil)
            }
        }
    }

    private func serve(_ prepared: HTTP, on side: HTTPSideChannel, forwarding rest: ByteBuffer) {
        let following = side.eventLoop.makePromise(of: Outcome.self)
        state = .http(side)
        stopTimer()
        result.succeed(.http(prepared, then: following.futureResult))
        result = following
        side.pipeline.syncOperations.fireChannelRead(Self.wrapInboundOut(rest))
        side.pipeline.fireChannelReadComplete()
        tellEvents(to: side.pipeline)
    }

    /// Tells the next handler or channel which events it has missed, and lets it read.
    private func tellEvents(to next: some ChannelInboundInvoker) {
        if isInputClosed { next.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if mustQuiesce { next.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        guard isReadPending else { return }
        isReadPending = false
        // Through the whole pipeline, so that the next handlers' back-pressure is asked too.
        context?.pipeline.read()
    }
}
