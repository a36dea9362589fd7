import NIOCore
import NIOHTTP1
import NIOPosix

@testable import EverylineWebSocket

/// A server on a free port of this machine, behind the gate: `/ws…` is a WebSocket, all else is HTTP.
struct LoopbackServer: Sendable {
    let port: Int
    /// Each connection, in the order in which they were accepted.
    let accepted: AsyncStream<any Channel>

    var url: String { "ws://127.0.0.1:\(port)/ws" }

    /// Runs a server for as long as `body` takes. Every WebSocket connection is given to `serve`.
    static func run(
        _ configuration: WebSocketConfiguration = .server,
        decide: (@Sendable (HTTPRequestHead) async -> WebSocketUpgradeGate<String>.Decision)? = nil,
        serve: @escaping @Sendable (WebSocketConnection) async throws -> Void = echo,
        body: @escaping @Sendable (LoopbackServer) async throws -> Void
    ) async throws {
        let gate = WebSocketUpgradeGate(configuration: configuration, decide: decide ?? acceptWebSocketPath)
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel).self)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    continuation.yield(channel)
                    return gate.install(on: channel, http: addHTTP)
                }
            }
        try await channel.executeThenClose { inbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withThrowingDiscardingTaskGroup { connections in
                        for try await result in inbound {
                            connections.addTask {
                                // A connection that ends before it is one is the test's business, not the server's.
                                guard case .webSocket(let connection, _)? = try? await result.get() else { return }
                                try? await serve(connection)
                                await connection.close()
                            }
                        }
                    }
                }
                let port = channel.channel.localAddress?.port ?? 0
                try await body(LoopbackServer(port: port, accepted: accepted))
                group.cancelAll()
            }
        }
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

    private static let addHTTP: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(NotFound())
        }
    }

    func connect(
        _ configuration: WebSocketConfiguration = .client, path: String = "/ws"
    ) async throws -> WebSocketConnection {
        try await WebSocketClient.connect(
            to: "ws://127.0.0.1:\(port)\(path)", subprotocol: "everyline.v1", configuration: configuration,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
    }
}

/// Answers every request with 404 and what it was.
private final class NotFound: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var text = ""

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            text = "\(head.method) \(head.uri) upgrade=\(head.headers["Upgrade"].count) "
        case .body(let bytes):
            text += String(buffer: bytes)
        case .end:
            let headers: HTTPHeaders = ["Content-Length": "\(text.utf8.count)"]
            let head = HTTPResponseHead(version: .http1_1, status: .notFound, headers: headers)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
