import Everyline
import HTTPTypes
import Hummingbird

/// Puts the API's routes together, for what brings requests to them: a listener of this machine's, or a function that
/// is handed a request at a time.
struct APIRouter {
    let core: ServerCore
    let authenticator: Authenticator
    let producers: ProducerPresence
    let publicURLs: PublicURLs
    let metrics: ServerMetrics
    let limits: ServerConfiguration.Limits
    /// The disk that `/metrics` and `/readyz` watch, where there is one.
    var storage: StorageWatch?

    private var abandoned: AbandonedExecutionReaper {
        AbandonedExecutionReaper(core: core, producers: producers, limits: limits)
    }

    /// - Parameter showsPending: whether there are viewers here who could be shown a line that isn't in the log.
    func appends(showsPending: Bool) -> AppendRoutes {
        AppendRoutes(
            core: core, authenticator: authenticator, producers: producers, metrics: metrics, limits: limits,
            showsPending: showsPending)
    }

    /// - Parameter admission: who may open a stream; `nil` where there is no connection that a stream could live on.
    ///   Then nothing is at the streams' addresses.
    func router(admission: ViewerAdmission?) -> Router<EverylineContext> {
        let router = Router(context: EverylineContext.self)
        router.addMiddleware {
            AccessLog(metrics: metrics)
            Problems()
        }
        MetaRoutes(core: core, metrics: metrics, storage: storage).add(to: router)
        ExecutionRoutes(
            core: core, authenticator: authenticator, abandoned: abandoned, publicURLs: publicURLs, limits: limits
        ).add(to: router)
        LogRoutes(core: core, authenticator: authenticator, publicURLs: publicURLs, limits: limits).add(to: router)
        if let admission {
            EventStreamRoutes(core: core, admission: admission, metrics: metrics, limits: limits).add(to: router)
            WebSocketRoutes(admission: admission, log: core.log).add(to: router)
        }
        appends(showsPending: admission != nil).add(to: router)
        InputRoutes(
            core: core, authenticator: authenticator, producers: producers, limits: limits,
            isSupported: admission != nil
        ).add(to: router)
        ViewerRoutes(publicURLs: publicURLs).add(to: router)
        KeyRoutes(core: core, authenticator: authenticator, limits: limits) { [core, abandoned] key in
            admission?.revoke(key)
            // Streams that wait find out now.
            core.feed.tick()
            try await abandoned.endAll(of: key)
        }.add(to: router)
        router.refuseOtherMethods()
        return router
    }
}

extension Router<EverylineContext> {
    /// Answers GET, and HEAD with the same head: ``Problems`` leaves the body out.
    func read(
        _ path: RouterPath, use handler: @escaping @Sendable (Request, EverylineContext) async throws -> Response
    ) {
        get(path, use: handler)
        head(path, use: handler)
    }

    /// Lets every path that is known answer 405 for the methods that it doesn't take (RFC 9110, section 15.5.6).
    fileprivate func refuseOtherMethods() {
        let known = Dictionary(grouping: routes, by: { "\($0.path)" })
        for routes in known.values {
            let allowed = Set(routes.map(\.method))
            let list = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            for name in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"] {
                guard let method = HTTPRequest.Method(name), !allowed.contains(method) else { continue }
                on(routes[0].path, method: method) { _, _ -> Response in
                    throw ProblemError(.methodNotAllowed, "This path takes \(list).", fields: [.allow: list])
                }
            }
        }
    }
}
