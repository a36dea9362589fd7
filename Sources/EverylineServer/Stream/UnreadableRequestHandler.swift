import Everyline
import EverylineWebSocket
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Puts words to the answer to what isn't HTTP, or not as it must be, which the HTTP library gives without a body: the
/// same problem document as for all else, and 431 where it is the head's size.
///
/// It changes the answer and doesn't give one of its own, so that the order of answers stays the library's.
final class UnreadableRequestHandler: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let logger: Logger
    private var error: ProblemError?

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows it, rubbish in an error, says nothing more.
        switch error {
        case let fault as RequestFault:
            self.error = self.error ?? ProblemError(.invalidRequest, fault.reason)
            // The library answers its own parser's errors only.
            context.fireErrorCaught(HTTPParserError.unknown)
        case let error as HTTPParserError:
            self.error = self.error ?? ProblemError(error)
            context.fireErrorCaught(error)
        default:
            context.fireErrorCaught(error)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard let error, case .head(let head) = unwrapOutboundIn(data), head.isWordless else {
            return context.write(data, promise: promise)
        }
        self.error = nil
        let requestID = "\(RequestID())"
        logger.debug(
            "A request could not be read", metadata: ["error": "\(error.detail)", "request_id": "\(requestID)"])
        var (answer, body) = Problems.answer(error, requestID: requestID)
        answer.headerFields[.requestID] = requestID
        answer.headerFields[.connection] = "close"
        answer.headerFields[.contentLength] = String(body.readableBytes)
        context.write(wrapOutboundOut(.head(answer)), promise: promise)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
    }
}

extension HTTPResponse {
    /// The library's answer to what it can't parse; the router's own always have a body.
    fileprivate var isWordless: Bool { status == .badRequest && headerFields[.contentLength] == "0" }
}
