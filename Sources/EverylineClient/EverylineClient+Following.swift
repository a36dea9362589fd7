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
    ///   - location: ``RunAnswer/websocketURL``, which saves a request.
    public func follow(
        _ id: ExecutionID, from start: StreamStart = .beginning, at location: String? = nil,
        options: ResumingTail.Options = .init()
    ) -> ResumingTail {
        ResumingTail(
            from: start, at: location, options: options, endpoint: endpoint(of: id, options: options),
            clock: ContinuousClock(), seed: { .random(in: 0 ... .max) })
    }

    /// What a tail needs of this server to follow one execution.
    package func endpoint(
        of id: ExecutionID, options: ResumingTail.Options, by route: StreamRoute = .direct
    ) -> TailEndpoint {
        TailEndpoint(
            locate: { start in
                switch try await failing({ try await log(of: id, LogSelection(.events, from: start)) }) {
                case .ended(let download): .download(DownloadTailConnection(download))
                case .running(let location): .stream(location.websocketURL)
                }
            },
            open: { url, start in
                if let offset = StreamGateway.start(of: url) {
                    return try await openGatewayStream(at: url, of: id, after: start.offset ?? offset, options, route)
                }
                return WebSocketTailConnection(try await openStream(at: url, from: start, options: options, by: route))
            },
            standing: {
                let view = try await failing { try await execution(id) }
                let status = ExecutionStatus(rawValue: view.status)
                guard let status, view.lastOffset <= Offset.maximum.rawValue else {
                    throw TailFailure.unusable("the server gives the status \(view.status)")
                }
                let reason = view.reason.flatMap(ExecutionOutcome.Reason.init)
                return TailStanding(
                    outcome: status.isTerminal
                        ? ExecutionOutcome(status: status, exitCode: view.exitCode, reason: reason) : nil,
                    head: Offset(view.lastOffset))
            })
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

    /// Opens a stream on which the viewer speaks first. Its address says how it speaks, whether or not the gateway repeats
    /// the subprotocol.
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
    private func failing<Value>(_ request: () async throws -> Value) async throws -> Value {
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
