import NIOCore

/// Closes a connection whose client has read nothing of its answer for a whole period. The route that writes the answer
/// can wait here until the client has read it.
///
/// It runs a timer only while bytes are waiting, so it costs an idle connection nothing.
final class StalledResponseHandler: ChannelOutboundHandler, ChannelInboundHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = ByteBuffer

    private let timeout: TimeAmount
    private var check: Scheduled<Void>?
    private var waiting = 0
    private var context: ChannelHandlerContext?
    private var writers: [EventLoopPromise<Void>] = []

    init(timeout: Duration) { self.timeout = TimeAmount(timeout) }

    /// Succeeds when less than the channel's low-water mark waits for the client; at once if its high-water mark isn't
    /// reached.
    func whenWritable() -> EventLoopFuture<Void> {
        guard let context else { preconditionFailure("a handler that was asked for is in its pipeline") }
        let loop = context.eventLoop
        if context.channel.isWritable { return loop.makeSucceededVoidFuture() }
        guard context.channel.isActive else { return loop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let promise = loop.makePromise(of: Void.self)
        writers.append(promise)
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        failWriters()
    }

    private func failWriters() {
        let failed = writers
        writers = []
        for writer in failed { writer.fail(ChannelError.ioOnClosedChannel) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            check?.cancel()
            check = nil
            let released = writers
            writers = []
            for writer in released { writer.succeed() }
        } else {
            schedule(context)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        check = nil
        failWriters()
        context.fireChannelInactive()
    }

    private func schedule(_ context: ChannelHandlerContext) {
        waiting = Self.waitingBytes(context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleTask(in: timeout) {
            let (handler, context) = bound.value
            guard Self.waitingBytes(context) >= handler.waiting else { return handler.schedule(context) }
            context.close(promise: nil)
        }
    }

    private static func waitingBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
