import NIOCore

/// The closing handshake: one close frame from each side, then the server hangs up first. Every step has a time limit:
/// the stall watch until our close frame has gone, then `closeTimeout` for all of the rest.
extension WebSocketHandler {
    /// Closes from our side, once.
    func startClosing(_ code: WebSocketCloseCode, reason: String) {
        guard context != nil, !hasSentClose else { return }
        inbox.close(WebSocketClosure(code: code, reason: reason, cause: .local))
        ignoreMessages()
        sendClose(CloseFrame(code: code.mayBeSent ? code : nil, reason: reason))
    }

    /// Gives the connection up for what the peer did, and tells it if there is something to tell.
    func fail(_ error: WebSocketError) {
        inbox.close(.failure(error))
        // What follows a violation can't be understood; what follows a stall can.
        if error != .stalled { ignoresBytes = true }
        ignoreMessages()
        if !hasSentClose, let code = error.closeCode {
            sendClose(CloseFrame(code: code, reason: error.closeReason))
        } else {
            hangUp()
        }
    }

    /// Hangs up without a word.
    func drop(_ error: WebSocketError) {
        inbox.close(.failure(error))
        context?.close(promise: nil)
    }

    func receiveClose(_ frame: CloseFrame) {
        hasReceivedClose = true
        ignoresBytes = true
        inbox.close(WebSocketClosure(code: frame.code ?? .noStatus, reason: frame.reason, cause: .peer))
        ignoreMessages()
        // The echo is the code alone.
        if hasSentClose { hangUp() } else { sendClose(CloseFrame(code: frame.code)) }
    }

    /// Messages are no longer read, so nothing is held back for room.
    private func ignoreMessages() {
        ignoresMessages = true
        failWaitingSends()
        guard isPaused, let context else { return }
        // Not within the call that found the close frame: that one still walks through its bytes.
        context.eventLoop.assumeIsolated().execute { [weak self] in self?.resumeReading() }
    }

    private func sendClose(_ frame: CloseFrame) {
        guard let context else { return }
        hasSentClose = true
        unansweredPing = nil
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenSuccess { [weak self] in
            guard let self else { return }
            isCloseFlushed = true
            armCloseTimer()
            if hasReceivedClose || ignoresBytes { hangUp() }
        }
        write(encoder.control(.close, frame.payload), promise: flushed)
        flushIfNeeded()
    }

    /// After the last frame of both sides. The server ends its half, so that the peer reads the close frame before the
    /// end and isn't reset over bytes that we haven't read; a client waits for that.
    private func hangUp() {
        guard isCloseFlushed, role == .server, !isOutputClosed, let context else { return }
        isOutputClosed = true
        context.close(mode: .output, promise: nil)
    }

    func armCloseTimer() {
        guard closeTimer == nil, let context else { return }
        let timeout = TimeAmount(closeTimeout)
        closeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            self?.context?.close(promise: nil)
        }
    }
}
