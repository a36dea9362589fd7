import NIOCore

/// The one channel handler of a WebSocket connection, on either end: bytes in, messages out, and back.
///
/// All of it runs on the channel's event loop. Between messages it holds no buffers, tasks or timers.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Whole messages go to the inbox until the connection's owner wants them pushed.
    enum Delivery {
        case inbox
        case sink(@Sendable (WebSocketMessage) -> Void)
    }

    let role: WebSocketRole
    /// The limits that are asked for later: an idle connection has the memory of all that is kept here.
    let closeTimeout: Duration
    let idleTimeout: Duration?
    let inbox: WebSocketInbox
    let encoder: FrameEncoder
    private let closed: EventLoopPromise<WebSocketClosure>
    var context: ChannelHandlerContext?

    // Inbound.
    var assembler: MessageAssembler
    var delivery = Delivery.inbox
    var onQuiesce: (@Sendable () -> Void)?
    /// What was read while the inbox had no room.
    var unread = CircularBuffer<ByteBuffer>(initialCapacity: 0)
    var isPaused = false
    var isReadPending = false
    var pace: InboundPace
    /// Ends the wait for the next second, after what was handled in this one.
    var paceTimer: Scheduled<Void>?
    var lastRead = NIODeadline.uptimeNanoseconds(0)
    var idleTimer: Scheduled<Void>?

    // Outbound.
    var waitingSends = CircularBuffer<PendingSend>(initialCapacity: 0)
    /// The payload of the latest ping that couldn't be answered yet. Earlier ones needn't be: RFC 6455, section 5.5.3.
    var unansweredPing: ByteBuffer?
    var needsFlush = false
    var stallWatch: StallWatch
    var stallTimer: Scheduled<Void>?

    // Closing.
    /// Whether what still comes in is only looked at for the peer's close frame…
    var ignoresMessages = false
    /// …or not even for that.
    var ignoresBytes = false
    var hasSentClose = false
    var hasReceivedClose = false
    /// Whether our last byte has gone out.
    var isCloseFlushed = false
    var isOutputClosed = false
    var closeTimer: Scheduled<Void>?

    init(
        role: WebSocketRole, configuration: WebSocketConfiguration, compression: PerMessageDeflate?,
        pool: CompressorPool, inbox: WebSocketInbox, closed: EventLoopPromise<WebSocketClosure>
    ) {
        self.role = role
        closeTimeout = configuration.closeTimeout
        idleTimeout = configuration.idleTimeout
        self.inbox = inbox
        self.closed = closed
        assembler = MessageAssembler(
            role: role, maximumSize: configuration.maximumMessageSize,
            maximumFragments: configuration.maximumFragments, inflaters: compression == nil ? nil : pool)
        let outbound = compression.flatMap { agreed in
            agreed.canCompress
                ? FrameEncoder.Compression(
                    pool: pool, windowBits: agreed.windowBits, threshold: configuration.compressionThreshold)
                : nil
        }
        encoder = FrameEncoder(role: role, compression: outbound)
        stallWatch = StallWatch(timeout: configuration.stallTimeout)
        pace = InboundPace(rate: configuration.inboundRate)
    }

    deinit {
        // Only if the channel died while unread bytes waited for a reader that never came; else it is done already.
        closed.succeed(inbox.closure ?? .failure(.connectionLost("it was given up")))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { watchSilence() }
    }

    func channelActive(context: ChannelHandlerContext) {
        watchSilence()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connectionEnded()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connectionEnded()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        drop(.connectionLost(String(describing: error)))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            if let onQuiesce { onQuiesce() } else { startClosing(.goingAway, reason: "") }
        case ChannelEvent.inputClosed:
            context.close(promise: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// The channel is gone: all tasks that wait are told.
    private func connectionEnded() {
        guard context != nil else { return }
        context = nil
        for timer in [idleTimer, stallTimer, closeTimer] { timer?.cancel() }
        (idleTimer, stallTimer, closeTimer) = (nil, nil, nil)
        unansweredPing = nil
        if paceTimer != nil { endPaceWait() }
        // What was read before the end may hold the close frame; it is looked at when the reader comes to it.
        guard unread.isEmpty || ignoresBytes else { return failWaitingSends() }
        finish()
    }

    /// Nothing comes any more.
    func finish() {
        inbox.close(.failure(.connectionLost("the connection ended without a close frame")))
        failWaitingSends()
        if let closure = inbox.closure { closed.succeed(closure) }
    }
}
