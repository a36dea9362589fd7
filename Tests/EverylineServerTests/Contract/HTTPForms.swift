import Everyline
import EverylineAWS
import EverylineSQLite
import EverylineTesting
import Foundation
import HTTPTypes
import Logging
import NIOCore

@testable import EverylineLambda
@testable import EverylineServer

/// What the contract is held against: a form of the API without its listener.
struct HTTPForm: Sendable {
    let core: ServerCore
    let respond: @Sendable (HTTPRequest, ByteBuffer) async throws -> (head: HTTPResponse, body: ByteBuffer)

    static let names = ["memory", "sqlite", "aws"]
    private static let logger = Logger(label: "contract") { JSONLogHandler(label: $0, level: .critical, now: { .now }) }

    /// - Parameter limit: of each log.
    static func withForm(
        _ name: String, limit: ByteCount, _ body: (HTTPForm) async throws -> Void
    ) async throws {
        switch name {
        case "sqlite":
            let directory = try TemporaryDirectory()
            let database = try SQLiteDatabase.open(directory.path)
            try await embedded(
                SQLiteLogStore(database, logLimit: limit), SQLiteExecutionStore(database), SQLiteAccessStore(database)
            ).run(body)
            try database.close()
        case "memory":
            let stores = InMemoryStores(logLimit: limit)
            try await embedded(stores, stores, stores).run(body)
        default:
            let stores = InMemoryStores(logLimit: limit)
            try await function(stores).run(body)
        }
    }

    private static func core(
        _ log: any LogStore, _ executions: any ExecutionStore, _ access: any AccessStore,
        _ limits: ServerConfiguration.Limits
    ) -> ServerCore {
        let feed = LogFeed()
        return ServerCore(
            executions: executions, log: log, access: access, writer: LogWriter(store: log, feed: feed, now: { .now }),
            feed: feed, stopRequests: LogFeed(), engine: IdleEngine(), resources: ServerResources(limits), now: { .now }
        )
    }

    private static func embedded(
        _ log: any LogStore, _ executions: any ExecutionStore, _ access: any AccessStore
    ) -> HTTPForm {
        let limits = ServerConfiguration.Limits()
        let core = core(log, executions, access, limits)
        let authenticator = Authenticator(executions: executions, access: access, now: core.now)
        let admission = ViewerAdmission(
            core: core, origins: PageOrigins([]),
            limits: .init(perKey: limits.viewersPerKey, total: limits.viewers))
        let router = APIRouter(
            core: core, authenticator: authenticator, producers: ProducerPresence(now: core.now()),
            publicURLs: PublicURLs(publicURL: nil, isTLS: false), metrics: ServerMetrics(), limits: limits
        ).router(admission: admission)
        let api = DirectAPI(router, logger: logger)
        return HTTPForm(core: core) { try await api.respond(to: $0, body: $1, id: "request") }
    }

    /// The function as AWS invokes it, over stores in memory.
    private static func function(_ stores: InMemoryStores) throws -> HTTPForm {
        let configuration = try LambdaConfiguration([
            "EVERYLINE_FUNCTION": "api", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        ])
        let limits = try configuration.limits
        let core = core(stores, stores, stores, limits)
        let function = APIFunction(
            api: DirectAPI(
                core: core, streams: StreamGateway(address: "wss://streams.example/live"), publicURL: nil,
                limits: limits,
                logger: logger),
            access: stores, now: core.now, logger: logger)
        return HTTPForm(core: core) { head, body in
            let event = ByteBuffer(bytes: try JSONEncoder().encode(invocation(head, body)))
            let answer = try await function.handle(
                LambdaInvocation(id: "request", payload: event, deadline: .now + .seconds(30)))
            return try JSONDecoder().decode(Answer.self, from: Data(answer.readableBytesView)).whole
        }
    }

    /// A request as an HTTP API hands it to a function (payload format 2.0).
    private static func invocation(_ head: HTTPRequest, _ body: ByteBuffer) -> JSONValue {
        let parts = (head.path ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var headers: [String: JSONValue] = ["host": .string(head.authority ?? "")]
        for field in head.headerFields { headers[field.name.canonicalName] = .string(field.value) }
        return .object([
            "rawPath": .string(parts[0].removingPercentEncoding ?? ""),
            "rawQueryString": .string(parts.count > 1 ? String(parts[1]) : ""),
            "headers": .object(headers),
            "requestContext": .object([
                "requestId": .string("request"),
                "http": .object(["method": .string(head.method.rawValue), "path": .string(String(parts[0]))]),
            ]),
            "body": .string(Data(body.readableBytesView).base64EncodedString()), "isBase64Encoded": .bool(true),
        ])
    }

    private struct Answer: Decodable {
        let statusCode: Int
        let headers: [String: String]
        let body: String
        let isBase64Encoded: Bool

        var whole: (HTTPResponse, ByteBuffer) {
            var fields = HTTPFields()
            for (name, value) in headers {
                if let name = HTTPField.Name(name) { fields[name] = value }
            }
            let bytes = isBase64Encoded ? Data(base64Encoded: body) ?? Data() : Data(body.utf8)
            return (HTTPResponse(status: .init(code: statusCode), headerFields: fields), ByteBuffer(bytes: bytes))
        }
    }

    /// Lets the log's writer run for as long as `body` does.
    private func run(_ body: (HTTPForm) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { [core] in await core.writer.run() }
            defer { tasks.cancelAll() }
            try await body(self)
        }
    }
}
