import Everyline
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTPTypes

/// Answers small appends where they come in, without the router and without a task: each is half of what a task costs.
/// What it doesn't take goes on to the router as it came, and so does what the log didn't take: the router says why.
///
/// It stands behind what knows that a request is handled, and lets one request at a time be handled.
final class AppendShortcutHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private struct Gathered {
        let head: HTTPRequest
        let start: ContinuousClock.Instant
        var body = ByteBuffer()
    }

    private enum State {
        /// The request that comes, if one does, is the router's.
        case passing
        case gathering(Gathered)
        /// Being appended. No part of another request comes meanwhile.
        case waiting(Gathered, isInputClosed: Bool)
    }

    private let routes: AppendRoutes
    private let accessLog: AccessLog
    private let logger: Logger
    private var state = State.passing

    init(routes: AppendRoutes, logger: Logger) {
        self.routes = routes
        accessLog = AccessLog(metrics: routes.metrics)
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, Self.unwrapInboundIn(data)) {
        case (.passing, .head(let head)) where Self.mayTake(head):
            state = .gathering(Gathered(head: head, start: .now))
        case (.gathering(var gathered), .body(let bytes)):
            state = .passing
            if gathered.body.readableBytes == 0 {
                gathered.body = bytes
            } else {
                gathered.body.writeImmutableBuffer(bytes)
            }
            state = .gathering(gathered)
        case (.gathering(let gathered), .end(nil)):
            begin(gathered, context)
        case (.gathering(let gathered), .end):
            passOn(gathered, isWhole: false, context)
            context.fireChannelRead(data)
        case (.gathering, .head), (.passing, _), (.waiting, _):
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // The rest of it has yet to come, and the route knows how long it may take.
        if case .gathering(let gathered) = state { passOn(gathered, isWhole: false, context) }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client waits for its answer; behind this handler the connection would end without one.
        if case .waiting(let gathered, _) = state, case ChannelEvent.inputClosed = event {
            state = .waiting(gathered, isInputClosed: true)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private static func mayTake(_ head: HTTPRequest) -> Bool {
        let fields = head.headerFields
        guard head.method == .post, let length = fields[.contentLength].flatMap({ Int($0) }) else { return false }
        // The router ends a connection behind its last request.
        return length <= AppendRoutes.parsedAtOnce && fields[.expect] == nil && fields[.connection] != "close"
    }

    private func begin(_ gathered: Gathered, _ context: ChannelHandlerContext) {
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let isTaken = routes.appendAtOnce(gathered.head, gathered.body) { [eventLoop = context.eventLoop] answer in
            eventLoop.execute {
                let (handler, context) = here.value
                handler.end(with: answer, context)
            }
        }
        if isTaken {
            state = .waiting(gathered, isInputClosed: false)
        } else {
            passOn(gathered, isWhole: true, context)
        }
    }

    private func end(with answer: ByteBuffer?, _ context: ChannelHandlerContext) {
        guard case .waiting(let gathered, let isInputClosed) = state else { return }
        if let answer {
            state = .passing
            give(answer, to: gathered, context)
        } else {
            passOn(gathered, isWhole: true, context)
            context.fireChannelReadComplete()
        }
        if isInputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    private func give(_ body: ByteBuffer, to gathered: Gathered, _ context: ChannelHandlerContext) {
        let requestID = Problems.requestID(of: gathered.head.headerFields) ?? "\(RequestID())"
        var head = HTTPResponse(status: .ok, headerFields: Response.jsonHeaders)
        Problems.sign(&head.headerFields, requestID)
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.date] = routes.core.now().httpText
        head.headerFields[.server] = EverylineServer.product
        accessLog.note(
            gathered.head, route: AppendRoutes.eventsPath, head, requestID: requestID, since: gathered.start, in: logger
        )
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(Self.wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func passOn(_ gathered: Gathered, isWhole: Bool, _ context: ChannelHandlerContext) {
        state = .passing
        context.fireChannelRead(Self.wrapInboundOut(.head(gathered.head)))
        if gathered.body.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(.body(gathered.body))) }
        if isWhole { context.fireChannelRead(Self.wrapInboundOut(.end(nil))) }
    }
}
