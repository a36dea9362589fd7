import NIOCore

extension WebSocketHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let chunk = Self.unwrapInboundIn(data)
        lastRead = context.eventLoop.now
        if ignoresBytes { return }
        guard !isPaused else { return unread.append(chunk) }
        receive(chunk)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushIfNeeded()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadPending = true } else { context.read() }
    }

    /// From now on messages are handed to `sink`, on the event loop, as they come; those that wait first.
    func push(to sink: @escaping @Sendable (WebSocketMessage) -> Void, onQuiesce: (@Sendable () -> Void)?) {
        self.onQuiesce = onQuiesce
        delivery = .sink(sink)
        while case .message(let message, _) = inbox.take() { sink(message) }
        resumeReading()
    }

    /// The inbox has room again.
    func resumeReading() {
        guard isPaused, paceTimer == nil else { return }
        isPaused = false
        while !isPaused, !ignoresBytes, let chunk = unread.popFirst() { receive(chunk) }
        flushIfNeeded()
        guard !isPaused else { return }
        if context == nil { return finish() }
        lastRead = context?.eventLoop.now ?? lastRead
        if isReadPending {
            isReadPending = false
            context?.read()
        }
    }

    /// Takes the messages of `chunk` for as long as there is room for them; the rest waits.
    private func receive(_ chunk: ByteBuffer) {
        var chunk = chunk
        keepPace()
        do {
            while !ignoresBytes {
                guard let event = try assembler.next(from: &chunk) else { return }
                handle(event)
                keepPace()
                if isPaused {
                    if chunk.readableBytes > 0 { unread.prepend(chunk) }
                    return
                }
            }
        } catch {
            fail(error)
        }
    }

    private func handle(_ event: MessageAssembler.Event) {
        switch event {
        case .message(let message):
            deliver(message)
        case .ping(let payload):
            unansweredPing = payload
            if context?.channel.isWritable == true { answerPing() }
        case .pong:
            break
        case .close(let frame):
            receiveClose(frame)
        }
    }

    private func deliver(_ message: WebSocketMessage) {
        guard !ignoresMessages else { return }
        switch delivery {
        case .sink(let sink): sink(message)
        case .inbox: isPaused = !inbox.put(message)
        }
    }

    // MARK: Pace

    /// Stops reading until the second is over, if the peer has sent what is handled in one.
    private func keepPace() {
        guard let context, paceTimer == nil, let end = pace.count(at: lastRead) else { return }
        isPaused = true
        paceTimer = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [weak self] in
            self?.endPaceWait()
        }
    }

    /// The second is over, or nothing comes any more.
    func endPaceWait() {
        paceTimer?.cancel()
        paceTimer = nil
        lastRead = context?.eventLoop.now ?? lastRead
        // Else the inbox's reader has it go on.
        if inbox.hasRoom { resumeReading() }
    }

    // MARK: Silence

    /// Watches that the peer sends anything at all, if it has to. One timer, rescheduled once a period.
    func watchSilence() {
        guard idleTimeout != nil, idleTimer == nil, let context else { return }
        lastRead = context.eventLoop.now
        scheduleSilenceCheck(at: lastRead)
    }

    private func scheduleSilenceCheck(at start: NIODeadline) {
        guard let timeout = idleTimeout.map({ TimeAmount($0) }), let context else { return }
        idleTimer = context.eventLoop.assumeIsolated().scheduleTask(deadline: start + timeout) { [weak self] in
            guard let self, let now = self.context?.eventLoop.now else { return }
            // While we don't read, the silence is ours.
            if isPaused { lastRead = now }
            guard now - lastRead < timeout else { return drop(.peerSilent) }
            scheduleSilenceCheck(at: lastRead)
        }
    }
}

/// Counts what a peer has sent in each second: reads and messages, because a read of many short frames costs much, and
/// a short frame may inflate to a long message.
struct InboundPace {
    let rate: Int?
    private var count = 0
    private var end = NIODeadline.uptimeNanoseconds(0)

    init(rate: Int?) { self.rate = rate }

    /// - Returns: when the second ends, if no more of it is handled in this one.
    mutating func count(at now: NIODeadline) -> NIODeadline? {
        guard let rate else { return nil }
        if now >= end { (count, end) = (0, now + .seconds(1)) }
        count += 1
        return count >= rate ? end : nil
    }
}
