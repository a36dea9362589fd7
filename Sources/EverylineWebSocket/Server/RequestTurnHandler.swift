import NIOCore
import NIOHTTP1

/// How long and how much is waited for, on a connection's HTTP side.
package struct RequestTurnLimits: Sendable {
    /// From a request's first byte to the end of its head.
    package var headTime: Duration = .seconds(10)
    /// How much of a request that is answered already is still read as one, so that the connection can be used again.
    package var answeredBytes = 64 * 1024
    package var answeredTime: Duration = .seconds(2)
    /// Whether an HTTP/1.1 request must name its host.
    package var needsHost = true

    package init() {}
}

/// Stands behind a connection's HTTP decoder and lets one request of the connection be handled at a time: nothing of
/// the next is handed on, and nothing more is read, before the answer to this one is written.
///
/// What was read with it waits, undecoded but for a few KiB, until the connection has its turn among the others of its
/// event loop (``TurnQueue``). So a connection that pipelines gets its answers in order, and other connections wait for
/// at most one of them.
///
/// It also knows a request and its answer at the same time, so it sees to it that they fit: a head that can be misread
/// is refused (``RequestFault``), and the answer is framed for its request (``frame(_:)``).
final class RequestTurnHandler: ChannelDuplexHandler, TurnTaker {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The request that is handled now.
    struct Current {
        let head: HTTPRequestHead
        /// How much of its body is to come, if it says so.
        var remaining: Int?
        var isWhole = false
        var isAnswered = false
        /// Nothing follows it on this connection.
        var isLast: Bool
        /// The answer has a body, so far as the protocol goes.
        var hasAnswerBody = true

        init(_ head: HTTPRequestHead) {
            self.head = head
            remaining =
                head.headers.contains(name: "Transfer-Encoding")
                ? nil : head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            // One of HTTP/1.0 ends with its connection: only then does a client of that age find an answer's end.
            isLast = head.version == .http1_0 || !head.isKeepAlive
        }
    }

    private enum Event {
        case part(HTTPServerRequestPart)
        case failure(any Error)
        case inputClosed
    }

    /// What the decoder gets at once, where it isn't certain that it is of one request's body. All requests in it are
    /// decoded.
    private static let slice = 4096

    let limits: RequestTurnLimits
    var current: Current?
    private let held: HeldBytesHandler
    private let queue: TurnQueue
    private var context: ChannelHandlerContext?
    /// What was decoded ahead of its turn.
    private var events = CircularBuffer<Event>()
    private var mayBegin = false
    private var isAsking = false
    private var isReadPending = false
    /// Nothing that comes is of interest any more.
    private var isDeaf = false
    private var mustCloseOutput = false
    /// How many bytes may still come of a request that is answered.
    private var quota: Int?
    private var timer: Scheduled<Void>?

    /// - Parameter held: stands in front of the decoder.
    init(behind held: HeldBytesHandler, in queue: TurnQueue, limits: RequestTurnLimits) {
        self.held = held
        self.queue = queue
        self.limits = limits
    }

    // MARK: What comes

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        held.onHeld = { [weak self] in self?.bytesCame() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDeaf else { return }
        let part = Self.unwrapInboundIn(data)
        if events.isEmpty, canTake(part) { take(part) } else { events.append(.part(part)) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if events.isEmpty { fail(error) } else { events.append(.failure(error)) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !events.isEmpty, case ChannelEvent.inputClosed = event { return events.append(.inputClosed) }
        context.fireUserInboundEventTriggered(event)
    }

    func read(context: ChannelHandlerContext) {
        isReadPending = true
        readIfWanted()
    }

    /// A request for an upgrade has come, and nothing but its bytes follow: they are not for this handler.
    func upgradeCame() {
        stopTimer()
        held.pass()
    }

    private func bytesCame() {
        guard !isDeaf else { return held.clear() }
        // What comes by itself, when nothing else is held back, may begin: the event loop has just looked at all
        // sockets.
        pump(beginning: current == nil && events.isEmpty && !isAsking)
    }

    // MARK: Turns

    func takeTurn() {
        isAsking = false
        guard context != nil, current == nil else { return queue.done(self) }
        pump(beginning: true)
        if current == nil { queue.done(self) }
        context?.fireChannelReadComplete()
    }

    /// Hands on what may be handed on now.
    ///
    /// - Parameter beginning: whether one more request may begin.
    private func pump(beginning: Bool) {
        mayBegin = beginning
        handOn()
        while events.isEmpty, !held.isEmpty, !isDeaf, current.map({ !$0.isWhole }) ?? mayBegin {
            if current == nil { startTimer(limits.headTime) { $0.headTimedOut() } }
            let before = held.readableBytes
            held.release(min(max(Self.slice, current?.remaining ?? 0), quota ?? .max))
            if let left = quota { quota = left - (before - held.readableBytes) }
            if let left = quota, left <= 0 { return hangUp() }
            handOn()
        }
        mayBegin = false
        askIfHeld()
        readIfWanted()
    }

    private func askIfHeld() {
        guard current == nil, !isAsking, !isDeaf, !events.isEmpty || !held.isEmpty else { return }
        isAsking = true
        queue.ask(for: self)
    }

    private func handOn() {
        while let event = events.first {
            switch event {
            case .part(let part):
                guard canTake(part) else { return }
                events.removeFirst()
                take(part)
            case .failure(let error):
                events.removeFirst()
                fail(error)
            case .inputClosed:
                events.removeFirst()
                context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
        }
    }

    private func canTake(_ part: HTTPServerRequestPart) -> Bool {
        if case .head = part { return current == nil && mayBegin }
        return current.map { !$0.isWhole } ?? false
    }

    private func take(_ part: HTTPServerRequestPart) {
        guard let context, !isDeaf else { return }
        switch part {
        case .head(var head):
            mayBegin = false
            stopTimer()
            if let fault = RequestFault(head, needsHost: limits.needsHost) { return fail(fault) }
            let request = Current(head)
            current = request
            if request.isLast { head.headers.replaceOrAdd(name: "Connection", value: "close") }
            context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        case .body(let bytes):
            if let remaining = current?.remaining { current?.remaining = remaining - bytes.readableBytes }
            if current?.isAnswered != true { context.fireChannelRead(Self.wrapInboundOut(part)) }
        case .end:
            current?.isWhole = true
            context.fireChannelRead(Self.wrapInboundOut(part))
            if current?.isAnswered == true { finish() }
        }
    }

    private func fail(_ error: any Error) {
        hearNoMore()
        context?.fireErrorCaught(error)
    }

    private func readIfWanted() {
        guard isReadPending, events.isEmpty, held.isEmpty, current.map({ !$0.isWhole }) ?? true, !mustCloseOutput else {
            return
        }
        isReadPending = false
        context?.read()
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(let head):
            context.write(Self.wrapOutboundOut(.head(frame(head))), promise: promise)
        case .body where current?.hasAnswerBody == false:
            promise?.succeed()
        case .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            answered()
        }
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard mustCloseOutput else { return }
        mustCloseOutput = false
        context.close(mode: .output, promise: nil)
    }

    private func answered() {
        guard let request = current else { return }
        current?.isAnswered = true
        if request.isWhole { return finish() }
        guard !endsUnread(request) else {
            hearNoMore()
            mustCloseOutput = true
            return
        }
        quota = limits.answeredBytes
        startTimer(limits.answeredTime) { $0.hangUp() }
    }

    /// Whether an answer now is the connection's last, since what is still to come of the request isn't read.
    func endsUnread(_ request: Current) -> Bool {
        !request.isWhole && (isDeaf || request.isLast || (request.remaining ?? 0) > limits.answeredBytes)
    }

    /// The current request is whole, and its answer written.
    private func finish() {
        stopTimer()
        quota = nil
        let isLast = current?.isLast == true
        current = nil
        if isLast { hearNoMore() }
        queue.done(self)
        askIfHeld()
        readIfWanted()
    }

    // MARK: Ends

    /// Closes the sending side: the request is answered, and what still comes of it is too much or too slow. The client
    /// can read the answer meanwhile.
    private func hangUp() {
        hearNoMore()
        context?.close(mode: .output, promise: nil)
    }

    private func headTimedOut() {
        hearNoMore()
        held.answerAndClose(.refusal("408 Request Timeout"))
    }

    private func hearNoMore() {
        isDeaf = true
        stopTimer()
        events.removeAll()
        held.clear()
    }

    private func end() {
        hearNoMore()
        queue.done(self)
    }

    private func startTimer(_ time: Duration, _ onTime: @escaping (RequestTurnHandler) -> Void) {
        guard timer == nil, let context else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [weak self] in
            guard let self else { return }
            timer = nil
            onTime(self)
        }
    }

    private func stopTimer() {
        timer?.cancel()
        timer = nil
    }
}
