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
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Longer than the gateway lets any connection live (2 hours).
    private static let lifetime: Duration = .seconds(2 * 60 * 60 + 10 * 60)

    package init(
        worker: ReceptionWorker, access: any AccessStore, log: any LogReader, now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.worker = worker
        self.access = access
        self.log = log
        self.now = now
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(WebSocketEvent.self, from: invocation.payload)
        let id = ConnectionID(event.requestContext.connectionID)
        switch event.requestContext.eventType {
        case .connect:
            return try LambdaEvent.encode(try await connect(id, event))
        case .disconnect:
            try await worker.disconnect(id)
        case .message:
            // What isn't a message of ours is nobody's business; a browser's own keep-alive may be among it.
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
        guard let secret = query["token"],
            let token = try await access.streamToken(SecretHash(of: secret), at: now()),
            token.opens(execution, at: now())
        else { return WebSocketResponse(statusCode: 401) }
        let cursor: Offset
        do {
            guard let found = try await offset(for: query, token, in: execution) else {
                return WebSocketResponse(statusCode: 400)
            }
            cursor = found
        } catch LogStoreError.unknownExecution {
            return WebSocketResponse(statusCode: 404)
        }
        let offered = event.header("Sec-WebSocket-Protocol")?.split(separator: ",") ?? []
        let speaksBlocks = offered.contains { $0.filter { $0 != " " } == APIHeader.subprotocol }
        let connectedAt = now()
        try await worker.connect(
            id,
            ViewerConnection(
                execution: execution, cursor: cursor, form: speaksBlocks ? .blocks : .lines, connectedAt: connectedAt,
                expiresAt: connectedAt + Self.lifetime))
        return WebSocketResponse(
            statusCode: 200, headers: speaksBlocks ? ["Sec-WebSocket-Protocol": APIHeader.subprotocol] : nil)
    }

    /// Where the viewer begins; `nil` if what it says is no cursor, or one beyond the head.
    private func offset(
        for query: [String: String], _ token: StreamToken, in execution: ExecutionID
    ) async throws -> Offset? {
        let start: StreamStart
        switch (query["after"], query["last_seen_timestamp"]) {
        case (nil, nil): start = token.start
        case (let after?, nil):
            guard let offset = Offset(decimal: after) else { return nil }
            start = .after(offset)
        case (nil, let time?):
            guard let time = Timestamp(decimal: time) else { return nil }
            start = .notOlderThan(time)
        case (_?, _?): return nil
        }
        switch start {
        case .after(let offset):
            return offset <= (try await log.head(of: execution)).offset ? offset : nil
        case .notOlderThan(let time):
            return try await log.offset(in: execution, before: time)
        }
    }
}
