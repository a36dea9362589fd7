package import Everyline
package import Logging
package import NIOCore

/// Takes viewers in and listens to them: `$connect`, `$disconnect`, and their messages `resume` and `ping`.
///
/// Nothing is sent within `$connect`: until its integration has returned, the gateway has no such connection.
package struct ConnectionFunction: LambdaHandler {
    private let worker: ReceptionWorker
    private let access: any AccessStore
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let limit: Int
    private let origins: PageOrigins
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Longer than the gateway lets any connection live (2 hours).
    private static let lifetime: Duration = .seconds(2 * 60 * 60 + 10 * 60)

    /// - Parameter limit: how many connections one key may have.
    package init(
        worker: ReceptionWorker, access: any AccessStore, log: any LogReader, connections: any ConnectionStore,
        limit: Int, origins: PageOrigins, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.worker = worker
        self.access = access
        self.log = log
        self.connections = connections
        self.limit = limit
        self.origins = origins
        self.now = now
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(WebSocketEvent.self, from: invocation.payload)
        let id = ConnectionID(event.requestContext.connectionID)
        switch event.requestContext.eventType {
        case .connect:
            guard origins.admit(event.header("Origin")) else {
                return try LambdaEvent.encode(WebSocketResponse(statusCode: 403))
            }
            return try LambdaEvent.encode(try await connect(id, event))
        case .disconnect:
            try await worker.disconnect(id)
        case .message:
            // Other messages are ignored; a browser's own keep-alive may be among them.
            guard let message = event.body.flatMap({ ViewerMessage(ByteBuffer(string: $0)) }) else { break }
            // The viewer says it again: it hears nothing.
            if await worker.receive(message, from: id) == .failed {
                logger.notice("A viewer's message failed", metadata: ["connection": "\(id)"])
            }
        }
        return try LambdaEvent.encode(WebSocketResponse(statusCode: 200))
    }

    private func connect(_ id: ConnectionID, _ event: WebSocketEvent) async throws -> WebSocketResponse {
        let query = event.queryStringParameters ?? [:]
        guard let execution = query["execution"].flatMap({ ExecutionID($0) }) else {
            return WebSocketResponse(statusCode: 404)
        }
        guard let token = try await token(query["token"], for: execution) else {
            return WebSocketResponse(statusCode: 401)
        }
        let offered = event.header("Sec-WebSocket-Protocol")?.split(separator: ",") ?? []
        let speaksBlocks = offered.contains { $0.filter { $0 != " " } == APIHeader.subprotocol }
        let form: StreamForm = speaksBlocks ? .blocks : .lines
        let cursor: Offset
        do {
            cursor = try await start(for: query, token, in: execution, form)
        } catch is StreamStart.InvalidStart {
            return WebSocketResponse(statusCode: 400)
        } catch LogStoreError.unknownExecution {
            return WebSocketResponse(statusCode: 404)
        }
        let connectedAt = now()
        let connection = ViewerConnection(
            execution: execution, cursor: cursor, form: form, key: token.key, connectedAt: connectedAt,
            expiresAt: connectedAt + Self.lifetime)
        let refusal = try await worker.connect(id, connection) {
            // Since the first look the key may have been revoked, and its connections ended.
            guard try await self.token(query["token"], for: execution) != nil else { return 401 }
            let count = try await connections.connections(with: token.key, at: connectedAt).count
            return count > limit ? 429 : nil
        }
        if let refusal { return WebSocketResponse(statusCode: refusal) }
        return WebSocketResponse(
            statusCode: 200, headers: speaksBlocks ? ["Sec-WebSocket-Protocol": APIHeader.subprotocol] : nil)
    }

    private func token(_ secret: String?, for execution: ExecutionID) async throws -> StreamToken? {
        guard let secret else { return nil }
        return try await access.streamToken(secret, for: execution, at: now())
    }

    /// Where the viewer begins.
    ///
    /// - Throws: ``StreamStart/InvalidStart``.
    private func start(
        for query: [String: String], _ token: StreamToken, in execution: ExecutionID, _ form: StreamForm
    ) async throws -> Offset {
        let asked = try StreamStart.parse(
            after: query["after"], lastSeenTimestamp: query["last_seen_timestamp"])
        let offset = try await (asked ?? token.start).offset(in: execution, of: log)
        guard form == .lines else { return offset }
        // One that is sent bare lines learns of the end only by being told, also if it has everything.
        let head = try await log.head(of: execution)
        return head.isEnded && offset == head.offset ? Offset(offset.rawValue - 1) : offset
    }
}
