package import Everyline
package import Logging
package import NIOCore

/// Takes viewers in and listens to them: `$connect`, `$disconnect`, and their messages `resume` and `ping`.
///
/// Nothing is sent within `$connect`: until its integration has returned, the gateway has no such connection.
package struct ConnectionFunction: LambdaHandler {
    private let viewers: ViewerMessageHandler
    private let admission: StreamAdmission
    private let log: any LogReader
    private let connections: any ConnectionStore
    private let limit: Int
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// - Parameter limit: how many connections one key may have.
    package init(
        viewers: ViewerMessageHandler, admission: StreamAdmission, log: any LogReader,
        connections: any ConnectionStore, limit: Int, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.viewers = viewers
        self.admission = admission
        self.log = log
        self.connections = connections
        self.limit = limit
        self.now = now
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(WebSocketEvent.self, from: invocation.payload)
        return try LambdaEvent.encode(try await answer(event))
    }

    /// The answer to an event of the gateway.
    ///
    /// - Throws: what a port throws; then the gateway refuses the connection, if one was to be made.
    package func answer(_ event: WebSocketEvent) async throws -> WebSocketResponse {
        let id = ConnectionID(event.requestContext.connectionID)
        switch event.requestContext.eventType {
        case .connect:
            return try await connect(id, event)
        case .disconnect:
            try await viewers.disconnect(id)
        case .message:
            // Other messages are ignored; a browser's own keep-alive may be among them.
            guard let message = event.body.flatMap({ ViewerMessage(ByteBuffer(string: $0)) }) else { break }
            do {
                try await viewers.receive(message, from: id)
            } catch {
                // The viewer says it again: it hears nothing.
                logger.notice("A viewer's message failed", metadata: ["connection": "\(id)", "error": "\(error)"])
            }
        }
        return WebSocketResponse(statusCode: 200)
    }

    private func connect(_ id: ConnectionID, _ event: WebSocketEvent) async throws -> WebSocketResponse {
        let query = event.queryStringParameters ?? [:]
        guard let execution = query["execution"].flatMap({ ExecutionID($0) }) else {
            return WebSocketResponse(statusCode: 404)
        }
        let offered = event.header("Sec-WebSocket-Protocol")?.split(separator: ",") ?? []
        let encoding: StreamEncoding =
            offered.contains { $0.filter { $0 != " " } == APIHeader.subprotocol } ? .blocks : .lines
        let places = ConnectionPlaces(
            id: id, encoding: encoding, connections: connections, log: log, limit: limit, now: now)
        do {
            let request = StreamRequest(
                execution, token: query["token"],
                start: try StreamStart.parse(
                    after: query["after"], lastSeenTimestamp: query["last_seen_timestamp"]),
                incarnation: query["incarnation"].flatMap { Incarnation($0) },
                origin: event.header("Origin"))
            let stream = try await admission.admit(request, to: places)
            // Nothing can be said over a connection that is yet to be made: the logs endpoint says what is void.
            guard stream.restoration == nil else {
                await places.leave(stream.place)
                return WebSocketResponse(statusCode: 409)
            }
            do {
                try await viewers.connected(id, of: execution, as: encoding)
            } catch {
                await places.leave(stream.place)
                throw error
            }
        } catch let refusal as StreamRefusal {
            return WebSocketResponse(statusCode: refusal.status)
        } catch is StreamStart.InvalidStart {
            return WebSocketResponse(statusCode: 400)
        } catch LogStoreError.unknownExecution {
            return WebSocketResponse(statusCode: 404)
        }
        return WebSocketResponse(
            statusCode: 200, headers: encoding == .blocks ? ["Sec-WebSocket-Protocol": APIHeader.subprotocol] : nil)
    }
}

extension StreamRefusal {
    /// The gateway gives a client nothing but this.
    fileprivate var status: Int {
        switch self {
        case .origin: 403
        case .token: 401
        case .tooManyUnderKey: 429
        case .tooMany: 503
        }
    }
}
