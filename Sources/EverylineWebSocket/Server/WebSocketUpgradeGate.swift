package import NIOCore
package import NIOHTTP1

/// Tells WebSocket connections from HTTP ones, on one port, by a connection's first request.
///
/// It reads bytes, before any HTTP decoder:
///
///     bytes ─► gate ─ an ordinary request, or a declined one ─► the caller's HTTP handlers
///                └─ an accepted one ─► 101 ─► WebSocketConnection
///
/// The first request's head must come within `firstRequestTimeout`, and the decision too. A connection that has said
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

    /// - Parameter decide: is asked about each first request that wants a WebSocket; what isn't accepted, the HTTP side
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
    /// - Parameter http: adds the HTTP decoder, encoder and all that follows to the end of the pipeline, on the event
    ///   loop. It is called once the first request is known to be an ordinary one.
    /// - Returns: what became of it. Fails with ``WebSocketError`` if the connection ended before: lost, timed out, or
    ///   refused because its handshake isn't one.
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
