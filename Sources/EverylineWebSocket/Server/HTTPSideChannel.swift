import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP side of a connection: a channel of its own, with a pipeline of its own, inside the connection's.
///
/// It can end without the connection: then everything that serves HTTP, and whatever still holds this channel, has lost
/// the connection, and the connection is free for something else. While it stands, all that it does is done to the
/// connection: who closes it closes that.
final class HTTPSideChannel: Channel {
    let eventLoop: any EventLoop
    let closeFuture: EventLoopFuture<Void>
    private let connection: any Channel
    private let closed: EventLoopPromise<Void>
    /// What it is made of while it stands.
    private let parts: NIOLoopBoundBox<Parts?>
    private let hasEnded = Atomic(false)
    /// Is there as soon as the initialiser is through; a pipeline can't be made without its channel.
    private let made = Mutex<ChannelPipeline?>(nil)

    private struct Parts {
        let outer: ChannelHandlerContext
        let onLateUpgrade: (LateUpgrade) -> Void
    }

    /// On the connection's event loop.
    ///
    /// - Parameter outer: what the HTTP handlers send goes out from here.
    /// - Parameter onLateUpgrade: is called with a request that wants the connection, when those before it are
    ///   answered.
    init(inside outer: ChannelHandlerContext, onLateUpgrade: @escaping (LateUpgrade) -> Void) {
        connection = outer.channel
        eventLoop = outer.eventLoop
        closed = outer.eventLoop.makePromise()
        closeFuture = closed.futureResult
        parts = NIOLoopBoundBox(Parts(outer: outer, onLateUpgrade: onLateUpgrade), eventLoop: outer.eventLoop)
        let pipeline = ChannelPipeline(channel: self)
        made.withLock { $0 = pipeline }
    }

    var pipeline: ChannelPipeline {
        guard let pipeline = made.withLock({ $0 }) else { preconditionFailure("A channel is used before it is one.") }
        return pipeline
    }

    /// Ends it, and not the connection. On the event loop.
    func end() {
        guard parts.value != nil else { return }
        parts.value = nil
        hasEnded.store(true, ordering: .relaxed)
        pipeline.fireChannelInactive()
        // Later, since one of its handlers may be at work now.
        eventLoop.execute {
            self.removeHandlers(pipeline: self.pipeline)
            self.closed.succeed()
        }
    }

    // MARK: What it has of the connection

    var allocator: ByteBufferAllocator { connection.allocator }
    var localAddress: SocketAddress? { connection.localAddress }
    var remoteAddress: SocketAddress? { connection.remoteAddress }
    var parent: (any Channel)? { connection }
    var isWritable: Bool { isActive && connection.isWritable }
    var isActive: Bool { !hasEnded.load(ordering: .relaxed) && connection.isActive }
    var syncOptions: (any NIOSynchronousChannelOptions)? { connection.syncOptions }
    var _channelCore: any ChannelCore { self }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        connection.setOption(option, value: value)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        connection.getOption(option)
    }
}

/// The end of its pipeline: what comes out of it goes on in the connection's. On the event loop.
extension HTTPSideChannel: ChannelCore {
    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard let outer = parts.value?.outer else { return fail(promise) }
        outer.write(data, promise: promise)
    }

    func flush0() { parts.value?.outer.flush() }

    func read0() { parts.value?.outer.read() }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard let outer = parts.value?.outer else { return fail(promise) }
        outer.close(mode: mode, promise: promise)
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        guard let parts = parts.value else { return fail(promise) }
        guard let upgrade = event as? LateUpgrade else {
            return parts.outer.triggerUserOutboundEvent(event, promise: promise)
        }
        promise?.succeed()
        parts.onLateUpgrade(upgrade)
    }

    // What no handler took is dropped.
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}

    func localAddress0() throws -> SocketAddress {
        guard let address = localAddress else { throw ChannelError.unknownLocalAddress }
        return address
    }

    func remoteAddress0() throws -> SocketAddress {
        guard let address = remoteAddress else { throw ChannelError.operationUnsupported }
        return address
    }

    // The connection stands already.
    func register0(promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    private func fail(_ promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.ioOnClosedChannel) }
}
