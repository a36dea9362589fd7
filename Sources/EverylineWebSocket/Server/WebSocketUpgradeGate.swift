package import NIOCore
package import NIOHTTP1

/// Tells WebSocket connections from HTTP ones, on one port, by their requests.
///
/// It reads the first request's bytes, before any HTTP decoder; a later request for an upgrade is given back to it when
/// all before it have been answered:
///
///     bytes ─► gate ─ an ordinary request, or a declined one ─► HTTP side: the caller's HTTP handlers
///               │ ▲────────────── a later request for an upgrade ───────────┘
///               └─ an accepted one ─► 101 ─► WebSocketConnection
///
/// The first request's head must come within `firstRequestTimeout`, and each decision too. A connection that has said
/// nothing yet is closed when the server shuts down; one that is being decided about is told afterwards.
package struct WebSocketUpgradeGate<Context: Sendable>: Sendable {
    package enum Decision: Sendable {
        /// - Parameter subprotocol: one that the client offered; else it is left out.
        case accept(Context, subprotocol: String?)
        /// The request goes on as an ordinary one, without its `Upgrade` header.
        case decline
    }

    let configuration: WebSocketConfiguration
    let decide: @Sendable (HTTPRequestHead) async -> Decision
    let pool: CompressorPool

    /// - Parameter decide: is asked about each request that wants a WebSocket; what isn't accepted, the HTTP side
    ///   answers.
    package init(
        configuration: WebSocketConfiguration = .server,
        decide: @escaping @Sendable (HTTPRequestHead) async -> Decision
    ) {
        self.configuration = configuration
        self.decide = decide
        pool = CompressorPool(level: configuration.compressionLevel)
    }

    /// Stands in front of a connection that was just accepted. On its event loop.
    ///
    /// - Parameter http: prepares an HTTP side, a channel of its own: adds `addHTTP1BehindGate` and all that goes
    ///   around it to the end of its pipeline, on the event loop. It is called once the first request is known to be an
    ///   ordinary one, and again after each later request for an upgrade that was declined.
    /// - Returns: the connection's outcome. Fails with ``WebSocketError`` if the connection ended before: lost, timed
    ///   out, or refused because its handshake isn't one.
    package func install<HTTP: Sendable>(
        on channel: any Channel, http: @escaping @Sendable (any Channel) -> EventLoopFuture<HTTP>
    ) -> EventLoopFuture<WebSocketUpgradeResult<HTTP, Context>> {
        let result = channel.eventLoop.makePromise(of: WebSocketUpgradeResult<HTTP, Context>.self)
        let handler = UpgradeGateHandler(gate: self, http: http, result: result)
        do {
            // A channel keeps the buffer that it read into, so an idle viewer keeps this; it grows with what comes.
            try channel.syncOptions?.setOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65536))
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            result.fail(error)
        }
        return result.futureResult
    }
}

/// What a connection turned out to be.
package enum WebSocketUpgradeResult<HTTP: Sendable, Context: Sendable>: Sendable {
    /// An HTTP connection, prepared by the caller. Its first request is on its way.
    ///
    /// - `then`: what the connection became when its HTTP side had ended; fails with ``WebSocketError`` if it ended
    ///   too.
    case http(HTTP, then: EventLoopFuture<WebSocketUpgradeResult>)
    /// A WebSocket connection, with what the decision found out.
    case webSocket(WebSocketConnection, Context)
}
