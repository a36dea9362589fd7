package import NIOCore

/// What a connection turned out to be.
package enum WebSocketUpgradeResult<HTTP: Sendable, Context: Sendable>: Sendable {
    /// An HTTP connection, prepared by the caller. Its first request is on its way.
    ///
    /// - `then`: what the connection became when its HTTP side had ended; fails with ``WebSocketError`` if it ended too.
    case http(HTTP, then: EventLoopFuture<WebSocketUpgradeResult>)
    /// A WebSocket connection, with what the decision found out.
    case webSocket(WebSocketConnection, Context)
}
