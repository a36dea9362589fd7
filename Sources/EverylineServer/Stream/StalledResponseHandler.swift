import NIOCore

/// Closes a connection whose client doesn't take its answer: nothing of what waits was taken for a whole period.
///
/// It runs a timer only while bytes are waiting, so it costs an idle connection nothing.
final class StalledResponseHandler: ChannelOutboundHandler, ChannelInboundHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = ByteBuffer

    private let timeout: TimeAmount
    private var check: Scheduled<Void>?
    private var waiting = 0

    init(timeout: Duration) { self.timeout = TimeAmount(timeout) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            check?.cancel()
            check = nil
        } else {
            schedule(context)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        check = nil
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
