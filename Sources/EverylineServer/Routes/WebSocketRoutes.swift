import Everyline
import HTTPTypes
import Hummingbird

/// What a stream's address answers over plain HTTP: why the upgrade was declined, or that it takes one.
struct WebSocketRoutes {
    let admission: ViewerAdmission
    let log: any LogStore

    func add(to router: Router<EverylineContext>) {
        router.read(RouterPath(APIPath.anyExecution(.stream)), use: stream)
    }

    @Sendable func stream(_ request: Request, context: EverylineContext) async throws -> Response {
        let stream = try await admission.admit(
            context.executionID(), query: Query(request), origin: request.headers[.origin],
            authority: request.head.authority)
        try await stream.requireSameIncarnation(in: log)
        throw ProblemError(.upgradeRequired, "Connect with WebSocket, version 13 (RFC 6455).")
    }
}
