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
        guard isPaused else { return }
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
        do {
            while !ignoresBytes {
                guard let event = try assembler.next(from: &chunk) else { return }
                handle(event)
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

    // MARK: Silence

    /// Watches that the peer sends anything at all, if it has to. One timer, rescheduled once a period.
    func watchSilence() {
        guard configuration.idleTimeout != nil, idleTimer == nil, let context else { return }
        lastRead = context.eventLoop.now
        scheduleSilenceCheck(at: lastRead)
    }

    private func scheduleSilenceCheck(at start: NIODeadline) {
        guard let timeout = configuration.idleTimeout.map({ TimeAmount($0) }), let context else { return }
        idleTimer = context.eventLoop.assumeIsolated().scheduleTask(deadline: start + timeout) { [weak self] in
            guard let self, let now = self.context?.eventLoop.now else { return }
            // While we don't read, the silence is ours.
            if isPaused { lastRead = now }
            guard now - lastRead < timeout else { return drop(.peerSilent) }
            scheduleSilenceCheck(at: lastRead)
        }
    }
}
