package import Everyline
package import HTTPTypes
import Hummingbird
package import Logging
package import NIOCore
import Synchronization

/// The API without a listener: answers requests that are handed over whole, one answer for each. It has no streams;
/// their addresses point to a gateway.
///
/// Its owner must let ``ServerCore/writer`` run.
package struct DirectAPI: Sendable {
    private let responder: RouterResponder<EverylineContext>
    private let logger: Logger

    /// - Parameters:
    ///   - streams: where viewers connect.
    ///   - publicURL: how clients reach the API, if that isn't what their `Host` header says.
    package init(
        core: ServerCore, streams: StreamGateway, publicURL: String?, limits: ServerConfiguration.Limits, logger: Logger
    ) {
        let authenticator = Authenticator(executions: core.executions, access: core.access, now: core.now)
        let publicURLs = PublicURLs(publicURL: publicURL, isTLS: true, streams: streams)
        let router = APIRouter(
            core: core, authenticator: authenticator, producers: ProducerPresence(now: core.now(), hearsAll: false),
            publicURLs: publicURLs, metrics: ServerMetrics(), limits: limits
        ).router(admission: nil)
        self.init(router, logger: logger)
    }

    init(_ router: Router<EverylineContext>, logger: Logger) {
        responder = router.buildResponder()
        self.logger = logger
    }

    /// Answers a request. Whatever is wrong with it is an answer too.
    ///
    /// - Parameter id: what the caller that brought the request calls it.
    /// - Throws: what broke off while the answer's body was made.
    package func respond(
        to head: HTTPRequest, body: ByteBuffer, id: String
    ) async throws -> (head: HTTPResponse, body: ByteBuffer) {
        let request = Request(head: head, body: RequestBody(buffer: body))
        let response = try await responder.respond(to: request, context: EverylineContext(id: id, logger: logger))
        let whole = WholeBody()
        try await response.body.write(Writer(body: whole))
        return (response.head, whole.bytes.withLock { $0 })
    }

    private final class WholeBody: Sendable {
        let bytes = Mutex(ByteBuffer())
    }

    private struct Writer: ResponseBodyWriter {
        let body: WholeBody

        func write(_ buffer: ByteBuffer) { body.bytes.withLock { _ = $0.writeImmutableBuffer(buffer) } }
        consuming func finish(_ trailingHeaders: HTTPFields?) {}
    }
}
