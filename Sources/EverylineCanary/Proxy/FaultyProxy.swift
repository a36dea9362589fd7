package import NIOCore
import NIOPosix
import Synchronization

/// One viewer's way to the server: a port on loopback that passes bytes on, and does to them what networks do.
package final class FaultyProxy: Sendable {
    private struct State {
        var target: (host: String, port: Int) = ("127.0.0.1", 0)
        var streams: [ObjectIdentifier: NIOLoopBound<FaultyStream>] = [:]
        var isStalled = false
    }

    private let state = Mutex(State())
    private let group: any EventLoopGroup

    package init(group: any EventLoopGroup) { self.group = group }

    /// Listens until the channel is closed.
    package func listen() async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .childChannelOption(.recvAllocator, value: Self.buffers)
            .childChannelInitializer { viewer in self.connect(viewer) }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// From now on connections are passed on to this host.
    package func forward(to host: String, port: Int) { state.withLock { $0.target = (host, port) } }

    /// Does it to every connection that stands.
    package func inject(_ fault: ConnectionFault) {
        for stream in streams { stream.execute { $0.inject(fault) } }
    }

    /// From now on lets nothing through to the viewer.
    func stall() {
        state.withLock { $0.isStalled = true }
        for stream in streams { stream.execute { $0.hold() } }
    }

    /// Lets through what was held.
    func release() {
        state.withLock { $0.isStalled = false }
        for stream in streams { stream.execute { $0.letThrough() } }
    }

    private var streams: [NIOLoopBound<FaultyStream>] { state.withLock { Array($0.streams.values) } }

    private func connect(_ viewer: any Channel) -> EventLoopFuture<Void> {
        let target = state.withLock { $0.target }
        return ClientBootstrap(group: viewer.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: Self.buffers)
            .connect(host: target.host, port: target.port)
            .flatMap { server in
                viewer.eventLoop.makeCompletedFuture {
                    let down = FaultyStream(to: viewer)
                    let up = FaultyStream(to: server)
                    down.opposite = up
                    up.opposite = down
                    self.add(down, of: viewer)
                    try server.pipeline.syncOperations.addHandler(down)
                    try viewer.pipeline.syncOperations.addHandler(up)
                }
            }
    }

    private func add(_ stream: FaultyStream, of viewer: any Channel) {
        let id = ObjectIdentifier(viewer)
        let bound = NIOLoopBound(stream, eventLoop: viewer.eventLoop)
        let isStalled = state.withLock { state in
            state.streams[id] = bound
            return state.isStalled
        }
        if isStalled { stream.hold() }
        viewer.closeFuture.whenComplete { _ in self.state.withLock { $0.streams[id] = nil } }
    }

    private static let buffers = AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 * 1024, maximum: 256 * 1024)
}

extension NIOLoopBound where Value == FaultyStream {
    fileprivate func execute(_ body: @escaping @Sendable (FaultyStream) -> Void) {
        eventLoop.execute { body(value) }
    }
}
