import Everyline
import EverylineWebSocket
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// What a connection is made into, by its requests: an HTTP connection with the router behind it, until one of them
/// wants a viewer's stream.
struct StreamChannel: HTTPChannelHandler {
    /// What a stream needs of the server; shared, so that a viewer that waits doesn't hold a copy.
    final class Parts: Sendable {
        let core: ServerCore
        let admission: ViewerAdmission
        let appends: AppendRoutes
        let metrics: ServerMetrics
        let limits: ServerConfiguration.Limits
        /// The order in which connections that pipeline get their answers.
        let turns = TurnQueues()

        init(
            core: ServerCore, admission: ViewerAdmission, appends: AppendRoutes, metrics: ServerMetrics,
            limits: ServerConfiguration.Limits
        ) {
            self.core = core
            self.appends = appends
            self.admission = admission
            self.metrics = metrics
            self.limits = limits
        }
    }

    typealias HTTPConnection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Is decided by the first request. A channel reads nothing before its setup is complete, so the setup can't
        /// wait for this.
        fileprivate let content: EventLoopFuture<WebSocketUpgradeResult<HTTPConnection, AdmittedStream<StreamPlace>>>
    }

    let responder: HTTPChannelHandler.Responder
    private let parts: Parts
    private let isBehindTLS: Bool
    private let needsHost: Bool
    private let gate: WebSocketUpgradeGate<AdmittedStream<StreamPlace>>

    /// - Parameters:
    ///   - isBehindTLS: whether TLS stands before it.
    ///   - needsHost: whether requests must name their host; those over a socket file have none to name.
    init(responder: @escaping HTTPChannelHandler.Responder, parts: Parts, isBehindTLS: Bool, needsHost: Bool) {
        self.responder = responder
        self.needsHost = needsHost
        self.parts = parts
        self.isBehindTLS = isBehindTLS
        var configuration = WebSocketConfiguration.server
        configuration.stallTimeout = parts.limits.stalledViewer
        configuration.firstRequestTimeout = parts.limits.firstRequest
        configuration.inboundRate = parts.limits.inboundRate
        // Writable is a viewer for whom nothing waits.
        configuration.highWaterMark = 1
        configuration.lowWaterMark = 1
        let admission = parts.admission
        gate = WebSocketUpgradeGate(configuration: configuration) { head in
            // Whatever is wrong, the router finds it again and answers in the API's own form.
            guard let request = try? await admission.admit(head) else { return .decline }
            let offered = head.headers[canonicalForm: "Sec-WebSocket-Protocol"]
            return .accept(
                request, subprotocol: offered.contains { $0 == APIHeader.subprotocol } ? APIHeader.subprotocol : nil)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        do {
            let pipeline = channel.pipeline.syncOperations
            if isBehindTLS { try pipeline.addHandler(PlainRequestHandler(), position: .first) }
            // A runner's connection is no TCP one.
            if channel.remoteAddress?.ipAddress != nil {
                try pipeline.addHandler(UnsentBytesHandler(), position: .first)
            }
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        let opened = gate.install(on: channel) { [parts, needsHost] channel in
            channel.eventLoop.makeCompletedFuture {
                try Self.addHTTP(to: channel, parts, needsHost: needsHost, logger: logger)
            }
        }
        return channel.eventLoop.makeSucceededFuture(Value(channel: channel, content: opened))
    }

    /// Waits with the viewer's stream, if it becomes one, and holds nothing else meanwhile.
    func handle(value: Value, logger: Logger) async {
        await stream(on: value, logger: logger)?.run(logger: logger)
    }

    /// Serves HTTP until a request makes a viewer's stream of the connection.
    ///
    /// Never inlined, as the frame of a call that waits is as large as all that its function needs at any time, and a
    /// viewer has it.
    /// - Returns: `nil` if the connection ended before.
    @inline(never)
    private func stream(on value: Value, logger: Logger) async -> ViewerStream? {
        var content = value.content
        while true {
            do {
                switch try await content.get() {
                case .http(let connection, let then):
                    content = then
                    await serve(connection, on: value.channel.eventLoop, logger: logger)
                case .webSocket(let connection, let request):
                    return ViewerStream(connection, of: request, parts)
                }
            } catch {
                // It is closed already.
                logger.debug("A connection ended", metadata: ["error": "\(error)"])
                return nil
            }
        }
    }

    @inline(never)
    private func serve(_ connection: HTTPConnection, on eventLoop: any EventLoop, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
            // In a task of its own: a task keeps the memory of its deepest call, and a viewer would have it.
            async let served: Void = handleHTTP(asyncChannel: connection, logger: logger)
            await served
        }
    }

    private static func addHTTP(
        to channel: any Channel, _ parts: Parts, needsHost: Bool, logger: Logger
    ) throws -> HTTPConnection {
        let limits = parts.limits
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.requestHead
        decoder.maxHeaderListSize = limits.requestHead
        var turns = RequestTurnLimits()
        turns.headTime = limits.firstRequest
        turns.answeredTime = limits.lingering
        turns.answeredBytes = limits.answeredRequest
        turns.needsHost = needsHost
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(StalledResponseHandler(timeout: limits.stalledViewer))
        try pipeline.addHandler(LingeringCloseHandler(time: limits.lingering, limit: limits.lingeringBytes))
        try pipeline.addHTTP1BehindGate(decoding: decoder, limits: turns, queues: parts.turns)
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandler(UnreadableRequestHandler(logger: logger))
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idleConnection, logger: logger))
        try pipeline.addHandler(AppendShortcutHandler(routes: parts.appends, logger: logger))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
}

/// Lets the kernel keep little for a client that doesn't read, beside what is on its way: little at first, and twice as
/// much each time that the client has taken what waited. Without this the kernel takes some MiB of each.
private final class UnsentBytesHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private var limit: ByteCount = .kibibytes(16)
    private static let longest: ByteCount = .kibibytes(256)

    func handlerAdded(context: ChannelHandlerContext) { set(context) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, limit < Self.longest {
            limit *= 2
            set(context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// A system that doesn't know the option does without.
    private func set(_ context: ChannelHandlerContext) {
        let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT))
        try? context.channel.syncOptions?.setOption(option, value: .init(limit))
    }
}

extension ViewerAdmission {
    /// Admits a request that wants to become a WebSocket.
    fileprivate func admit(_ head: HTTPRequestHead) async throws -> AdmittedStream<StreamPlace> {
        let uri = URI(head.uri)
        guard let id = APIPath.execution(in: uri.path, before: .stream) else {
            throw ProblemError(.notFound, "There is no stream at this path.")
        }
        return try await admit(
            id, query: Query(uri.queryParameters.map { ($0.key, $0.value) }),
            origin: head.headers.first(name: "Origin"),
            authority: head.headers.first(name: "Host"))
    }
}
