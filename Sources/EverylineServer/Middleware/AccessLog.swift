import HTTPTypes
package import Hummingbird
import HummingbirdCore
import Logging

/// Logs each request when its answer's head is known, and counts it. Never what a query or a header holds: tokens are
/// in there.
package struct AccessLog: RouterMiddleware {
    package typealias Context = EverylineContext

    private let metrics: ServerMetrics

    package init(metrics: ServerMetrics) { self.metrics = metrics }

    package func handle(
        _ request: Request, context: EverylineContext, next: (Request, EverylineContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        note(
            request.head, route: context.endpointPath, response.head, requestID: response.headers[.requestID] ?? "",
            since: start, in: context.logger)
        return response
    }

    /// - Parameter route: the path of the route that answered, if there is one.
    func note(
        _ request: HTTPRequest, route: String?, _ response: HTTPResponse, requestID: String,
        since start: ContinuousClock.Instant, in logger: Logger
    ) {
        let status = Int(response.status.code)
        metrics.countRequest(method: request.method.rawValue, route: route ?? "none", status: status)
        let level: Logger.Level = status >= 500 ? .warning : .debug
        guard logger.logLevel <= level else { return }
        let elapsed = (ContinuousClock.now - start).components
        logger.log(
            level: level, "request",
            metadata: [
                "request_id": .string(requestID), "method": .string(request.method.rawValue),
                "path": .string(Self.harmless(URI(request.path ?? "").path)), "status": .stringConvertible(status),
                "duration_us": .stringConvertible(
                    elapsed.seconds * 1_000_000 + elapsed.attoseconds / 1_000_000_000_000),
            ])
    }

    /// The path without what is long enough to be a secret that a client wrote into it by mistake.
    private static func harmless(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.utf8.count < shortestSecret ? String($0) : $0.prefix(4) + "…" }.joined(separator: "/")
    }

    /// In bytes; our own are longer, a key in a file may have as few. An id that is made here has 26.
    private static let shortestSecret = 32
}
