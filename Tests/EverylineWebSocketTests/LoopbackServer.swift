import NIOCore
import NIOHTTP1
import NIOPosix

@testable import EverylineWebSocket

/// A server on a free port of this machine, behind the gate: `/ws…` is a WebSocket, all else is HTTP.
struct LoopbackServer: Sendable {
    let port: Int
    /// Each connection, in the order in which they were accepted.
    let accepted: AsyncStream<any Channel>
    /// Why connections ended that never became a WebSocket.
    let failures: AsyncStream<any Error>

    var url: String { "ws://127.0.0.1:\(port)/ws" }

    /// Runs a server for as long as `body` takes. Every WebSocket connection is given to `serve`.
    ///
    /// - Parameter answer: is passed before `/later` is answered.
    static func run(
        _ configuration: WebSocketConfiguration = .server,
        decide: (@Sendable (HTTPRequestHead) async -> WebSocketUpgradeGate<String>.Decision)? = nil,
        serve: @escaping @Sendable (WebSocketConnection) async throws -> Void = echo,
        answer: Checkpoint = Checkpoint(),
        body: @escaping @Sendable (LoopbackServer) async throws -> Void
    ) async throws {
        let gate = WebSocketUpgradeGate(configuration: configuration.patient, decide: decide ?? acceptWebSocketPath)
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel).self)
        let (failures, failed) = AsyncStream.makeStream(of: (any Error).self)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    continuation.yield(channel)
                    return gate.install(on: channel) { addHTTP(to: $0, answer: answer) }
                }
            }
        try await channel.executeThenClose { inbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withThrowingDiscardingTaskGroup { connections in
                        for try await result in inbound {
                            connections.addTask {
                                switch await webSocket(result) {
                                case .success(let connection):
                                    // The test sees for itself how its connection ends.
                                    try? await serve(connection)
                                    await connection.close()
                                case .failure(let error): failed.yield(error)
                                }
                            }
                        }
                    }
                }
                let port = channel.channel.localAddress?.port ?? 0
                try await body(LoopbackServer(port: port, accepted: accepted, failures: failures))
                group.cancelAll()
            }
        }
    }

    /// Runs a server for as long as `body` talks to it.
    static func withPeer(
        _ configuration: WebSocketConfiguration = .server, answer: Checkpoint = Checkpoint(),
        body: @escaping @Sendable (inout RawPeer) async throws -> Void
    ) async throws {
        try await run(configuration, answer: answer) { server in
            try await RawPeer.connect(to: server.port, body: body)
        }
    }

    /// What a connection became in the end, after however many requests.
    private static func webSocket(
        _ result: EventLoopFuture<WebSocketUpgradeResult<Void, String>>
    ) async -> Result<WebSocketConnection, any Error> {
        do {
            switch try await result.get() {
            case .http(_, let then): return await webSocket(then)
            case .webSocket(let connection, _): return .success(connection)
            }
        } catch { return .failure(error) }
    }

    /// The first connection that has not been given out yet.
    func connection() async -> (any Channel)? {
        var connections = accepted.makeAsyncIterator()
        return await connections.next()
    }

    static let echo: @Sendable (WebSocketConnection) async throws -> Void = { connection in
        while let message = try await connection.next() {
            switch message {
            case .text(let bytes): try await connection.send(texts: [bytes])
            case .binary(let bytes): try await connection.send(binaries: [bytes])
            }
        }
    }

    static let acceptWebSocketPath: @Sendable (HTTPRequestHead) async -> WebSocketUpgradeGate<String>.Decision = {
        $0.uri.hasPrefix("/ws") ? .accept($0.uri, subprotocol: "everyline.v1") : .decline
    }

    private static func addHTTP(to channel: any Channel, answer: Checkpoint) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHTTP1BehindGate()
            try pipeline.addHandlers([HTTPServerPipelineHandler(), NotFound(answer: answer)])
        }
    }

    func connect(
        _ configuration: WebSocketConfiguration = .client, path: String = "/ws"
    ) async throws -> WebSocketConnection {
        try await WebSocketClient.connect(
            to: "ws://127.0.0.1:\(port)\(path)", subprotocol: "everyline.v1", configuration: configuration.patient,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
    }
}

/// Answers every request with 404 and what it was.
private final class NotFound: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: Checkpoint
    private var text = ""
    private var isKeptAlive = true

    init(answer: Checkpoint) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            text = "\(head.method) \(head.uri) upgrade=\(head.headers["Upgrade"].count) "
            isKeptAlive = head.isKeepAlive
        case .body(let bytes):
            text += String(buffer: bytes)
        case .end where text.contains("/later"):
            context.eventLoop.makeFutureWithTask { [answer] in await answer.pass() }
                .assumeIsolated().whenSuccess { self.answer(context) }
        case .end:
            answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: .http1_1, status: .notFound)
        head.headers = ["Content-Length": "\(text.utf8.count)", "Connection": isKeptAlive ? "keep-alive" : "close"]
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        if !isKeptAlive { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent, ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension WebSocketConfiguration {
    /// With ten minutes for what the test leaves as it is: a test ends by what its peers do, however busy the machine
    /// is.
    fileprivate var patient: Self {
        let usual = Self(maximumMessageSize: maximumMessageSize)
        let limits: [WritableKeyPath<Self, Duration>] = [
            \.firstRequestTimeout, \.connectTimeout, \.handshakeTimeout, \.stallTimeout, \.closeTimeout,
        ]
        var patient = self
        for limit in limits where self[keyPath: limit] == usual[keyPath: limit] {
            patient[keyPath: limit] = .seconds(600)
        }
        return patient
    }
}
