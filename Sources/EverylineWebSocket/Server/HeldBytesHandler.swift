import NIOCore

/// Stands before a connection's HTTP decoder and holds what has been read until the decoder is to have it.
final class HeldBytesHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Is called when there is something new.
    var onHeld: () -> Void = {}
    private var held = ByteBuffer()
    private var isInputClosed = false
    private var isPassing = false
    private var context: ChannelHandlerContext?

    /// Whether something is held: bytes, or the news that no more come.
    var isEmpty: Bool { held.readableBytes == 0 && !isInputClosed }
    var readableBytes: Int { held.readableBytes }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        onHeld = {}
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isPassing else { return context.fireChannelRead(data) }
        var bytes = Self.unwrapInboundIn(data)
        if held.readableBytes == 0 {
            held = bytes
        } else {
            held.writeBuffer(&bytes)
        }
        onHeld()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !isPassing, held.readableBytes > 0, case ChannelEvent.inputClosed = event {
            isInputClosed = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Gives the decoder this many bytes at the most; behind the last ones, that no more come.
    func release(_ limit: Int) {
        guard let context, !isEmpty else { return }
        let bytes = held.readSlice(length: min(limit, held.readableBytes))
        let isLast = held.readableBytes == 0
        // The decoder owns the memory of the last bytes.
        if isLast { held = ByteBuffer() }
        if let bytes, bytes.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(bytes)) }
        if isLast, isInputClosed, held.readableBytes == 0 {
            isInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    /// Holds nothing any more, now and later.
    func pass() {
        isPassing = true
        release(.max)
    }

    /// Forgets what is held.
    func clear() {
        held = ByteBuffer()
        isInputClosed = false
    }

    /// Sends bytes past the encoder, then closes the connection.
    func answerAndClose(_ response: ByteBuffer) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [context] _ in context.close(promise: nil) }
        context.writeAndFlush(Self.wrapOutboundOut(response), promise: written)
    }
}
