package import Hummingbird
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
        let elapsed = ContinuousClock.now - start
        metrics.countRequest(
            method: request.method.rawValue, route: context.endpointPath ?? "none", status: Int(response.status.code))
        let level: Logger.Level = response.status.code >= 500 ? .warning : .debug
        context.logger.log(
            level: level, "request",
            metadata: [
                "request_id": .string(response.headers[.requestID] ?? ""),
                "method": .string(request.method.rawValue), "path": .string(Self.harmless(request.uri.path)),
                "status": .stringConvertible(response.status.code),
                "duration_us": .stringConvertible(
                    elapsed.components.seconds * 1_000_000 + elapsed.components.attoseconds / 1_000_000_000_000),
            ])
        return response
    }

    /// The path without what is long enough to be a secret that a client wrote into it by mistake.
    private static func harmless(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.utf8.count < shortestSecret ? String($0) : $0.prefix(4) + "…" }.joined(separator: "/")
    }

    /// In bytes; our own are longer, a key in a file may have as few. An id that is made here has 26.
    private static let shortestSecret = 32
}
