package import NIOCore
package import NIOHTTP1
import NIOPosix

/// Makes client connections.
package enum WebSocketClient {
    /// Connects, over TLS if the URL says so, and shakes hands.
    ///
    /// - Parameters:
    ///   - url: a `ws://` or `wss://` address.
    ///   - relay: a port on loopback to connect to instead of the URL's host: who listens there passes the bytes on.
    ///   - headers: are sent beside those of the handshake, which they can't replace.
    ///   - tls: whom to trust; `nil` for whom the system trusts.
    /// - Throws: ``WebSocketError``, within `connectTimeout` and `handshakeTimeout`; `CancellationError`.
    package static func connect(
        to url: String, through relay: Int? = nil, headers: HTTPHeaders = [:], subprotocol: String? = nil,
        configuration: WebSocketConfiguration = .client, eventLoopGroup: any EventLoopGroup, tls: WebSocketTLS? = nil
    ) async throws -> WebSocketConnection {
        let url = try WebSocketURL(url)
        let handshake = try ClientHandshake(
            to: url, headers: headers, subprotocol: subprotocol, compression: configuration.compression)
        let tls = url.isSecure ? try tls ?? WebSocketTLS() : nil
        let attempt = try await open(url, relay, handshake, configuration, eventLoopGroup, tls)
        return try await withTaskCancellationHandler {
            do {
                return try await attempt.result.get()
            } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            attempt.channel.close(promise: nil)
        }
    }

    /// A connection whose handshake has begun.
    private struct Attempt: Sendable {
        let channel: any Channel
        let result: EventLoopFuture<WebSocketConnection>
    }

    private static func open(
        _ url: WebSocketURL, _ relay: Int?, _ handshake: ClientHandshake, _ configuration: WebSocketConfiguration,
        _ group: any EventLoopGroup, _ tls: WebSocketTLS?
    ) async throws -> Attempt {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: 256 * 1024))
        do {
            let (host, port) = relay.map { ("127.0.0.1", $0) } ?? (url.host, url.port)
            return try await bootstrap.connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let result = channel.eventLoop.makePromise(of: WebSocketConnection.self)
                    let handler = ClientHandshakeHandler(
                        handshake: handshake, configuration: configuration, result: result)
                    do {
                        if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler(for: url.host)) }
                        try channel.pipeline.syncOperations.addHandler(handler)
                    } catch {
                        result.fail(error)
                        throw error
                    }
                    return Attempt(channel: channel, result: result.futureResult)
                }
            }
        } catch ChannelError.connectTimeout {
            throw WebSocketError.timedOut("connecting to \(url.authority)")
        } catch {
            throw WebSocketError.unreachable(ConnectionFailure.reason(of: error))
        }
    }
}
