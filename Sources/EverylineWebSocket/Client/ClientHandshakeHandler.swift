import NIOCore

/// Sends a client's request and judges the answer; then it leaves the pipeline to the connection.
final class ClientHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaitingHead(ByteBuffer)
        case refused(status: Int, RefusalBody)
        case done
    }

    /// A longer head is no handshake's.
    private static let headLimit = 32 * 1024

    private let handshake: ClientHandshake
    private let configuration: WebSocketConfiguration
    private let result: EventLoopPromise<WebSocketConnection>
    private var state = State.awaitingHead(ByteBuffer())
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?

    init(
        handshake: ClientHandshake, configuration: WebSocketConfiguration,
        result: EventLoopPromise<WebSocketConnection>
    ) {
        self.handshake = handshake
        self.configuration = configuration
        self.result = result
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.connectionLost(String(describing: error)))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        switch state {
        case .awaitingHead(var head):
            state = .done
            let searched = head.readableBytes
            head.writeBuffer(&bytes)
            received(head, searched: searched)
        case .refused(let status, var body):
            state = .done
            let isComplete = body.take(bytes)
            state = .refused(status: status, body)
            if isComplete { ended() }
        case .done:
            context.fireChannelRead(data)
        }
    }

    private func begin() {
        guard timer == nil, let context else { return }
        let timeout = TimeAmount(configuration.handshakeTimeout)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            guard let self else { return }
            if case .refused = state { ended() } else { fail(.timedOut("no answer to the handshake")) }
        }
        context.writeAndFlush(Self.wrapOutboundOut(handshake.request), promise: nil)
    }

    private func received(_ bytes: ByteBuffer, searched: Int) {
        var (rest, searched) = (bytes, searched)
        while true {
            state = .awaitingHead(rest)
            guard let end = HTTPHead.end(in: rest, searched: searched) else {
                if rest.readableBytes > Self.headLimit { fail(.handshakeInvalid("an endless answer")) }
                return
            }
            guard let slice = rest.readSlice(length: end), let head = HTTPHead(slice),
                let status = ClientHandshake.status(of: head)
            else { return fail(.handshakeInvalid("an answer that isn't HTTP/1.1")) }
            switch status {
            case 101:
                return upgrade(head, rest: rest)
            case 100..<200:
                // Interim: the real answer follows.
                searched = 0
            default:
                var body = RefusalBody(after: head)
                let isComplete = body.take(rest)
                state = .refused(status: status, body)
                return isComplete ? ended() : ()
            }
        }
    }

    private func upgrade(_ head: HTTPHead, rest: ByteBuffer) {
        guard let context else { return }
        do {
            let agreement = try handshake.judge(head)
            let connection = try WebSocketConnection(
                on: context.channel, role: .client, configuration: configuration,
                subprotocol: agreement.subprotocol, compression: agreement.compression,
                pool: CompressorPool(level: configuration.compressionLevel, limit: 1))
            state = .done
            timer?.cancel()
            result.succeed(connection)
            if rest.readableBytes > 0 {
                context.fireChannelRead(Self.wrapInboundOut(rest))
                context.fireChannelReadComplete()
            }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            fail(error as? WebSocketError ?? .connectionLost(String(describing: error)))
        }
    }

    /// There is no more to come.
    private func ended() {
        switch state {
        case .refused(let status, let body): fail(.handshakeRefused(status: status, body: body.text))
        case .awaitingHead: fail(.connectionLost("the server hung up before it answered"))
        case .done: break
        }
    }

    private func fail(_ error: WebSocketError) {
        if case .done = state { return }
        state = .done
        timer?.cancel()
        result.fail(error)
        context?.close(promise: nil)
    }
}
