import AsyncHTTPClient
public import Everyline
package import EverylineWebSocket
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EverylineClient {
    /// Follows an execution's log to its end, whether it has ended or not, across any disconnect.
    ///
    /// - Parameters:
    ///   - start: where to begin. An offset beyond the log's head is refused.
    ///   - location: ``RunResponse/websocketURL``, which saves a request.
    ///   - incarnation: ``RunResponse/incarnation``.
    public func follow(
        _ id: ExecutionID, from start: StreamStart = .beginning, at location: String? = nil,
        in incarnation: Incarnation? = nil, options: ResumingTail.Options = .init()
    ) -> ResumingTail {
        ResumingTail(
            from: start, at: location, in: incarnation, options: options, endpoint: endpoint(of: id, options: options),
            clock: ContinuousClock(), seed: { .random(in: 0 ... .max) })
    }

    /// What a tail needs of this server to follow one execution.
    package func endpoint(
        of id: ExecutionID, options: ResumingTail.Options, by route: StreamRoute = .direct
    ) -> TailEndpoint {
        let ways = StreamFallback(self, of: id, options: options)
        return TailEndpoint(
            locate: { start, incarnation in
                let selection = LogSelection(.events, from: start, knowing: incarnation)
                return switch try await failing({ try await log(of: id, selection) }) {
                case .ended(let download):
                    .download(DownloadTailConnection(download), in: download.incarnation)
                case .running(let location):
                    .stream(location.websocketURL, in: location.incarnation.flatMap { Incarnation($0) })
                }
            },
            open: { url, start, incarnation in
                if let offset = StreamGateway.start(of: url) {
                    return try await openGatewayStream(at: url, of: id, after: start.offset ?? offset, options, route)
                }
                let own = ownURL(ofStream: url, of: id)
                let webSocket = {
                    WebSocketTailConnection(try await openStream(at: own, from: start, options: options, by: route))
                }
                guard route.mayFallBack else { return try await webSocket() }
                return try await ways.open(own, from: start, knowing: incarnation, webSocket: webSocket)
            },
            state: { incarnation in
                let view = try await failing { try await execution(id, knowing: incarnation) }
                let status = ExecutionStatus(rawValue: view.status)
                guard let status, view.lastOffset <= Offset.maximum.rawValue else {
                    throw TailFailure.unusable("the server gives the status \(view.status)")
                }
                let reason = view.reason.flatMap(ExecutionOutcome.Reason.init)
                return TailState(
                    outcome: status.isTerminal
                        ? ExecutionOutcome(status: status, exitCode: view.exitCode, reason: reason) : nil,
                    head: Offset(view.lastOffset))
            })
    }

    /// A stream's URL at the address that this client was given: what the server takes for its own may be no way from
    /// here.
    package func ownURL(ofStream url: String, of id: ExecutionID) -> String {
        guard configuration.address.socketPath == nil, let query = url.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            return url
        }
        // http → ws, https → wss
        return "ws" + configuration.address.url(APIPath.execution(id, .stream)).dropFirst(4) + url[query...]
    }

    /// Opens a stream as server-sent events.
    ///
    /// - Parameter url: its URL as a WebSocket, which holds the token.
    /// - Returns: its body; `nil` if the log has ended where the stream begins.
    func openEvents(of id: ExecutionID, at url: String, from start: StreamStart) async throws -> LogDownload.Iterator? {
        var request = APIRequest(.GET, APIPath.execution(id, .events))
        let query = url.split(separator: "?", maxSplits: 1).last ?? ""
        guard let token = query.split(separator: "&").first(where: { $0.hasPrefix("token=") })?.dropFirst(6) else {
            throw ClientError.unexpectedAnswer("the stream's URL has no token")
        }
        request.query = [(name: "token", value: PercentEncoding.decode(token))] + start.query
        let response = try await transport.open(request, within: min(configuration.connectTimeout, .seconds(5)))
        if response.status == .noContent { return nil }
        guard response.headers.first(name: "Content-Type")?.hasPrefix("text/event-stream") == true else {
            throw ClientError.unexpectedAnswer("no server-sent events came")
        }
        return LogDownload.Iterator(body: response.body.makeAsyncIterator())
    }

    /// The events that there are by now after `start`, ended or not, as lines; empty if there are none.
    func block(
        of id: ExecutionID, from start: StreamStart, knowing incarnation: Incarnation?, limit: Int
    ) async throws -> ByteBuffer {
        var request = APIRequest(.GET, APIPath.execution(id, .block))
        request.query = start.query + incarnation.query + [(name: "limit", value: "\(limit)")]
        request.headers = [(name: "Accept-Encoding", value: "gzip")]
        return try await transport.send(request)
    }

    /// The first event that isn't older than `time`; `nil` if the log holds none by now. The server finds it by its
    /// index.
    package func firstEvent(of id: ExecutionID, notOlderThan time: Timestamp) async throws -> LogEvent? {
        try LogEvent.decode(lines: try await block(of: id, from: .notOlderThan(time), knowing: nil, limit: 1)).first
    }

    /// Opens a stream that begins by itself.
    ///
    /// - Throws: ``TailFailure``, `CancellationError`.
    package func openStream(
        at url: String, from start: StreamStart, options: ResumingTail.Options, by route: StreamRoute
    ) async throws -> WebSocketConnection {
        try await Self.failing {
            let connection = try await connect(to: ServerAddress.adding(start.query, to: url), options, route)
            guard connection.subprotocol == (route.asksForBlocks ? APIHeader.subprotocol : nil) else {
                connection.startClosing()
                throw TailFailure.unusable("the server doesn't speak \(APIHeader.subprotocol)")
            }
            return connection
        }
    }

    /// Opens a stream on which the viewer speaks first. Its address says how it speaks, whether or not the gateway
    /// repeats the subprotocol.
    private func openGatewayStream(
        at url: String, of execution: ExecutionID, after offset: Offset, _ options: ResumingTail.Options,
        _ route: StreamRoute
    ) async throws -> any TailConnection {
        try await Self.failing {
            try await GatewayTailConnection(try await connect(to: url, options, route), of: execution, after: offset)
        }
    }

    private func connect(
        to url: String, _ options: ResumingTail.Options, _ route: StreamRoute
    ) async throws -> WebSocketConnection {
        if configuration.address.isEncrypted && !url.hasPrefix("wss:") {
            throw TailFailure.unusable(
                "the server's stream is not encrypted, though it is reached over TLS: its public URL must say https")
        }
        var limits = WebSocketConfiguration.client
        limits.connectTimeout = configuration.connectTimeout
        limits.handshakeTimeout = configuration.connectTimeout
        limits.idleTimeout = options.silenceLimit
        limits.compression = route.compression
        let place = try WebSocketURL(url)
        return try await WebSocketClient.connect(
            to: url, through: route.relay(place.host, place.port), headers: ["User-Agent": configuration.userAgent],
            subprotocol: route.asksForBlocks ? APIHeader.subprotocol : nil, configuration: limits,
            eventLoopGroup: eventLoopGroup, tls: tls)
    }

    private static func failing<Value>(_ connect: () async throws -> Value) async throws -> Value {
        do {
            return try await connect()
        } catch let error as WebSocketError {
            throw failure(error)
        }
    }

    private static func failure(_ error: WebSocketError) -> TailFailure {
        switch error {
        case .handshakeRefused(let status, let body):
            .refused(APIError(status: status, body: Data(body.utf8), otherwise: error.sentence))
        case .invalidURL: .unusable(error.sentence)
        default: .unreachable(error.sentence)
        }
    }

    /// Runs a request as a part of a tail.
    func failing<Value>(_ request: () async throws -> Value) async throws -> Value {
        do {
            return try await request()
        } catch let error as APIError {
            throw TailFailure.refused(error)
        } catch ClientError.unexpectedAnswer(let what) {
            throw TailFailure.unusable(ClientError.unexpectedAnswer(what).description)
        } catch let error as ClientError {
            throw TailFailure.unreachable(error.description)
        }
    }
}

extension StreamStart {
    /// `nil` for a start by time.
    fileprivate var offset: Offset? {
        guard case .after(let offset) = self else { return nil }
        return offset
    }
}
