import NIOCore
import NIOPosix
import Synchronization

/// Passes bytes between clients and the server, and cuts all connections when told to: without a word, as a network does.
final class CuttingProxy: Sendable {
    private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let target = Mutex<Int>(0)
    private let group: any EventLoopGroup

    init(group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) { self.group = group }

    /// Where the bytes go: a port on loopback.
    func forward(to port: Int) { target.withLock { $0 = port } }

    /// Starts to listen on loopback, and returns the port.
    func listen() async throws -> Int {
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in self.connect(client) }
            .bind(host: "127.0.0.1", port: 0).get()
        return server.localAddress?.port ?? 0
    }

    /// Cuts every connection that there is.
    func cut() {
        let cut = connections.withLock { connections in
            defer { connections.removeAll() }
            return Array(connections.values)
        }
        for channel in cut { channel.close(promise: nil) }
    }

    private func connect(_ client: any Channel) -> EventLoopFuture<Void> {
        let port = target.withLock { $0 }
        connections.withLock { $0[ObjectIdentifier(client)] = client }
        client.closeFuture.whenComplete { _ in
            self.connections.withLock { $0[ObjectIdentifier(client)] = nil }
        }
        return ClientBootstrap(group: client.eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port)
            .flatMap { server in
                client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(Relay(to: server))
                    try server.pipeline.syncOperations.addHandler(Relay(to: client))
                }
            }
    }
}

/// Hands on what it reads, one piece at a time: the next is read when the last was written.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func handlerAdded(context: ChannelHandlerContext) { context.read() }

    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        other.writeAndFlush(Self.unwrapInboundIn(data)).hop(to: context.eventLoop).whenComplete { result in
            if case .success = result { bound.value.read() } else { bound.value.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
