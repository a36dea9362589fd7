/// What a connection turned out to be.
package enum WebSocketUpgradeResult<HTTP: Sendable, Context: Sendable>: Sendable {
    /// An ordinary HTTP connection, prepared by the caller. Its first request is on its way.
    case http(HTTP)
    /// A WebSocket connection, with what the decision found out.
    case webSocket(WebSocketConnection, Context)
}
