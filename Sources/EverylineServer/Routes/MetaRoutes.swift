import Everyline
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What describes and watches the server: its document, its health and its counters. None of it needs a key, and none
/// of it says anything of an execution.
struct MetaRoutes {
    let core: ServerCore
    let metrics: ServerMetrics
    let storage: StorageWatch?

    func add(to router: Router<EverylineContext>) {
        router.read("/healthz") { _, _ in Self.plain("ok everyline/\(ReleaseVersion.current)\n") }
        router.read(RouterPath(APIPath.health)) { _, _ in try .json(HealthResponse(core.engine.platform)) }
        router.read("/readyz", use: ready)
        router.read("/metrics", use: page)
        router.read(RouterPath(APIPath.openAPI)) { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
        }
    }

    /// Whether the store answers, and has room.
    @Sendable func ready(_ request: Request, context: EverylineContext) async throws -> Response {
        do {
            _ = try await core.executions.list(ExecutionQuery(limit: 1))
        } catch {
            context.logger.error("Not ready", metadata: ["error": "\(error)"])
            throw ProblemError(.unavailable, "The store can't be read.")
        }
        if let places = storage?.places, try await core.resources.workers.run({ places.isFull }) {
            throw ProblemError(.unavailable, "The disk is full.")
        }
        return Self.plain("ready\n")
    }

    @Sendable func page(_ request: Request, context: EverylineContext) async throws -> Response {
        var figures: (StorageWatch, StorageWatch.Figures)?
        if let storage { figures = (storage, try await storage.current(core.resources.workers)) }
        return Self.plain(
            metrics.page(followedLogs: core.feed.counts.logs, unread: core.resources.unread, storage: figures),
            type: "text/plain; version=0.0.4; charset=utf-8")
    }

    private static func plain(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
