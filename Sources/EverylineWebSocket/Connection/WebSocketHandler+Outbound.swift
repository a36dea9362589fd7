import NIOCore
import Synchronization

extension WebSocketHandler {
    /// Writes and flushes at once if that needs no waiting.
    ///
    /// - Returns: `false` if it does.
    /// - Throws: how the connection ended, if it did.
    func send(_ content: PendingSend.Content) throws(WebSocketError) -> Bool {
        if let closure = inbox.closure { throw closure.error }
        guard let context, context.channel.isWritable, waitingSends.isEmpty else { return false }
        write(content)
        flushIfNeeded()
        return true
    }

    /// Sends as soon as there is room, in the order of the calls.
    func sendLater(_ send: PendingSend) {
        guard !send.ticket.isCancelled else { return send.continuation.resume(throwing: CancellationError()) }
        do {
            if try self.send(send.content) {
                send.continuation.resume()
            } else {
                waitingSends.append(send)
            }
        } catch {
            send.continuation.resume(throwing: error)
        }
    }

    func dropCancelledSends() {
        let cancelled = waitingSends.filter(\.ticket.isCancelled)
        waitingSends.removeAll(where: \.ticket.isCancelled)
        for send in cancelled { send.continuation.resume(throwing: CancellationError()) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        while context.channel.isWritable, let send = waitingSends.popFirst() {
            write(send.content)
            send.continuation.resume()
        }
        if context.channel.isWritable {
            answerPing()
            // Not while the water rises: more of the same send is to come.
            flushIfNeeded()
        }
        context.fireChannelWritabilityChanged()
    }

    func failWaitingSends() {
        guard !waitingSends.isEmpty else { return }
        let error = inbox.closure?.error ?? .connectionLost("the connection ended without a close frame")
        let failed = waitingSends
        waitingSends.removeAll()
        for send in failed { send.continuation.resume(throwing: error) }
    }

    func answerPing() {
        guard let payload = unansweredPing else { return }
        unansweredPing = nil
        guard !hasSentClose else { return }
        write(encoder.control(.pong, payload))
    }

    private func write(_ content: PendingSend.Content) {
        switch content {
        case .messages(let payloads, let opcode): encoder.encode(payloads, as: opcode) { write($0) }
        case .frames(let frames): for frame in frames { write(frame) }
        }
    }

    func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        needsFlush = true
        stallWatch.wrote(bytes.readableBytes)
        context.write(Self.wrapOutboundOut(bytes), promise: promise)
    }

    /// One flush for all that was written, and a watch over what didn't go at once.
    func flushIfNeeded() {
        guard needsFlush, let context else { return }
        needsFlush = false
        context.flush()
        // A flush that fails closes the channel before it returns.
        guard self.context != nil, stallWatch.begin(unsent: unsentBytes, now: context.eventLoop.now) else { return }
        scheduleStallCheck()
    }

    // MARK: Stall

    /// Zero for a channel that is closed, or that can't tell.
    private var unsentBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func scheduleStallCheck() {
        guard let context else { return }
        stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: stallWatch.interval) { [weak self] in
            guard let self, let now = self.context?.eventLoop.now else { return }
            switch stallWatch.check(unsent: unsentBytes, now: now) {
            case .idle: stallTimer = nil
            case .progressing: scheduleStallCheck()
            case .stalled: stalled()
            }
        }
    }

    /// Says 1013 behind what is stuck, and hangs up if that doesn't go either.
    func stalled() {
        stallTimer?.cancel()
        stallTimer = nil
        guard context != nil else { return }
        guard !hasSentClose else { return drop(.stalled) }
        fail(.stalled)
        armCloseTimer()
    }
}

/// Messages that wait for the channel to be writable.
struct PendingSend {
    /// Says that the sending task no longer waits. Readable from the task that is cancelled and from the event loop.
    final class Ticket: Sendable {
        private let cancelled = Atomic(false)

        var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

        func cancel() {
            cancelled.store(true, ordering: .releasing)
        }
    }

    /// What is sent.
    enum Content {
        /// Messages, which are encoded when their turn comes.
        case messages([ByteBuffer], WebSocketOpcode)
        /// Frames that are encoded already.
        case frames([ByteBuffer])
    }

    let content: Content
    let ticket: Ticket
    let continuation: CheckedContinuation<Void, any Error>
}
