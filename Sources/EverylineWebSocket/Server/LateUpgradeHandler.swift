package import NIOCore
package import NIOHTTP1

/// Stands behind a connection's HTTP decoder and takes requests for an upgrade back to the gate, each when all requests
/// before it have been answered.
///
/// The decoder stops behind such a request, since something else than HTTP may follow, so whatever came behind the
/// request is still whole. Nothing is read while the request waits. A request of which it isn't certain that the
/// decoder stops behind it, or that has a body, is answered like any other, and is the last of its connection.
final class LateUpgradeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case passing
        case holding(HTTPRequestHead, isWhole: Bool)
        /// The decoder is leaving, and says what it has not read.
        case releasing(HTTPRequestHead, rest: ByteBuffer)
        case done
    }

    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let onUpgrade: () -> Void
    private var state = State.passing
    private var unanswered = 0
    /// Whether nothing may follow the answer to what was passed on.
    private var isLast = false

    /// - Parameters:
    ///   - decoder: stands in front of it, and fires an error with the bytes that are left when it is removed.
    ///   - onUpgrade: is called when one has come. All bytes that come are the decoder's from then on.
    init(behind decoder: ByteToMessageHandler<HTTPRequestDecoder>, onUpgrade: @escaping () -> Void) {
        self.decoder = decoder
        self.onUpgrade = onUpgrade
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, Self.unwrapInboundIn(data)) {
        case (.passing, .head(let head)):
            received(head, data, context)
        case (.passing, _):
            context.fireChannelRead(data)
        case (.holding(let head, isWhole: false), .end):
            state = .holding(head, isWhole: true)
            releaseIfAnswered(context)
        default:
            hangUp(context)
        }
    }

    func read(context: ChannelHandlerContext) {
        switch state {
        case .passing, .done: context.read()
        case .holding, .releasing: break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        releaseIfAnswered(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A peer that has closed its side can't be a WebSocket. The HTTP side ends the connection when it has answered.
        if case ChannelEvent.inputClosed = event, case .holding = state { state = .done }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (state, error) {
        case (.releasing(let head, _), ByteToMessageDecoderError.leftoverDataWhenDone(let rest)):
            state = .releasing(head, rest: rest)
        case (.holding, _), (.releasing, _):
            hangUp(context)
        case (.passing, _), (.done, _):
            context.fireErrorCaught(error)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        state = .done
    }

    private func received(_ head: HTTPRequestHead, _ data: NIOAny, _ context: ChannelHandlerContext) {
        let asksForUpgrade = head.headers.contains(name: "Upgrade")
        if asksForUpgrade, head.stopsDecoder, !isLast {
            state = .holding(head, isWhole: false)
            return onUpgrade()
        }
        unanswered += 1
        guard asksForUpgrade || head.method == .CONNECT else { return context.fireChannelRead(data) }
        isLast = true
        var last = head
        last.headers.replaceOrAdd(name: "Connection", value: "close")
        context.fireChannelRead(Self.wrapInboundOut(.head(last)))
    }

    /// The decoder went on behind an upgrade: it and we don't read the same.
    private func hangUp(_ context: ChannelHandlerContext) {
        state = .done
        context.close(promise: nil)
    }

    private func releaseIfAnswered(_ context: ChannelHandlerContext) {
        guard case .holding(let head, isWhole: true) = state, unanswered == 0 else { return }
        state = .releasing(head, rest: ByteBuffer())
        context.pipeline.syncOperations.removeHandler(decoder).assumeIsolated().whenSuccess { [self] in
            guard case .releasing(let head, let rest) = state else { return }
            state = .done
            context.triggerUserOutboundEvent(LateUpgrade(head: head, rest: rest), promise: nil)
        }
    }
}

extension HTTPRequestHead {
    /// Whether it is certain that the decoder stops behind this head, if it asks for an upgrade.
    fileprivate var stopsDecoder: Bool {
        headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
            && !headers.contains(name: "Transfer-Encoding") && headers["Content-Length"].allSatisfy { $0 == "0" }
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// Adds HTTP/1.1 to the end of the pipeline of a gate's HTTP side: parts of requests come out, one request at a
    /// time, and parts of answers go in.
    ///
    /// The gate gets a later request for an upgrade back from it.
    ///
    /// - Parameter queues: shared by all connections of a server.
    package func addHTTP1BehindGate(
        decoding: NIOHTTPDecoderLimitConfiguration = .init(), limits: RequestTurnLimits = .init(),
        queues: TurnQueues = .init()
    ) throws {
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .fireError, limitConfiguration: decoding))
        var framing = HTTPResponseEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        let held = HeldBytesHandler()
        let turns = RequestTurnHandler(behind: held, in: queues.queue(of: eventLoop), limits: limits)
        let upgrades = LateUpgradeHandler(behind: decoder) { [weak turns] in turns?.upgradeCame() }
        try addHandlers([held, HTTPResponseEncoder(configuration: framing), decoder, upgrades, turns])
    }
}

/// A request for an upgrade that isn't its connection's first, when all that came before it has been answered.
struct LateUpgrade {
    let head: HTTPRequestHead
    /// What had been read behind its head.
    let rest: ByteBuffer
}
