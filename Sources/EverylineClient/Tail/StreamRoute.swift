/// How a tail reaches its stream, where that isn't simply by the stream's URL.
package struct StreamRoute: Sendable {
    package static let direct = {
        var route = StreamRoute()
        route.mayFallBack = true
        return route
    }()

    /// The port on loopback where a proxy passes bytes on to this host and port; `nil` to connect to them. What is said
    /// over the connection, TLS too, stays as it is.
    package var relay: @Sendable (_ host: String, _ port: Int) -> Int? = { _, _ in nil }
    /// Whether the blocks of `everyline.v1` are asked for; otherwise one line comes a message.
    package var asksForBlocks = true
    /// Whether compression is offered.
    package var compression = true

    /// Whether another way than WebSocket will do.
    package var mayFallBack = false

    package init() {}
}
