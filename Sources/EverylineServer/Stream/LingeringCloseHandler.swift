import Everyline
import NIOCore

/// Ends a connection whose last answer has been given while its client may still be sending: takes what comes, so much
/// and for so long, so that the client gets to read the answer, and then closes for good (as nginx does:
/// `lingering_close`).
final class LingeringCloseHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = NIOAny

    private let time: TimeAmount
    private var left: ByteCount
    private var isLingering = false

    init(time: Duration, limit: ByteCount) {
        self.time = TimeAmount(time)
        left = limit
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode, promise: promise)
        guard mode == .output, !isLingering else { return }
        isLingering = true
        let channel = context.channel
        context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isLingering else { return context.fireChannelRead(data) }
        left -= unwrapInboundIn(data).readableBytes
        if left < 0 { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isLingering { context.read() } else { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client has nothing more to say either.
        if isLingering, case ChannelEvent.inputClosed = event { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
