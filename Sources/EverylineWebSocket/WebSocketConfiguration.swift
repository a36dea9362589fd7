/// The limits of a connection. Every one has an end.
package struct WebSocketConfiguration: Sendable {
    /// The most bytes of one inbound message, inflated and over all fragments. More is closed with 1009.
    package var maximumMessageSize: Int
    /// The most frames of one inbound message. More is closed with 1009.
    package var maximumFragments = 16_384
    /// The most bytes that a server reads at once, and handles before it looks after its event loop's other
    /// connections. Frames are as short as six bytes, and compressed ones may inflate to a thousand times their length.
    package var maximumRead = 64 * 1024
    /// How many reads and messages of a peer are handled in one second; what comes beyond waits for the next second,
    /// and its sender with it. `nil` for as many as come.
    package var inboundRate: Int?
    /// How many bytes of whole messages wait for ``WebSocketConnection/next()`` before reading stops.
    package var inboxLimit = 256 * 1024
    /// Whether permessage-deflate is negotiated.
    package var compression = true
    /// The smallest outbound message that is compressed.
    package var compressionThreshold = 200
    /// zlib's level, 1 (fast) to 9 (small).
    package var compressionLevel = 1
    /// How long a peer may take not a byte while bytes wait for it.
    package var stallTimeout: Duration = .seconds(60)
    /// How long the peer has to answer a close frame that was sent, and to hang up.
    package var closeTimeout: Duration = .seconds(5)
    /// How long a server waits for the whole head of a connection's first request, and for its decision.
    package var firstRequestTimeout: Duration = .seconds(10)
    /// How long a client waits for the connection to be made.
    package var connectTimeout: Duration = .seconds(10)
    /// How long a client waits for the server's answer, TLS included.
    package var handshakeTimeout: Duration = .seconds(10)
    /// How long a peer may send nothing at all; `nil` for as long as it likes.
    package var idleTimeout: Duration?
    /// Sending suspends above so many unsent bytes…
    package var highWaterMark = 256 * 1024
    /// …until there are fewer than so many.
    package var lowWaterMark = 64 * 1024

    package init(maximumMessageSize: Int) {
        self.maximumMessageSize = maximumMessageSize
    }

    /// A server's: clients have little to say, 64 KiB a message.
    package static let server = {
        var configuration = WebSocketConfiguration(maximumMessageSize: 64 * 1024)
        configuration.maximumRead = 2048
        return configuration
    }()
    /// A client's: 16 MiB a message.
    package static let client = WebSocketConfiguration(maximumMessageSize: 16 * 1024 * 1024)
}

/// Which end of the connection this is. A client masks what it sends, a server doesn't.
enum WebSocketRole: Sendable {
    case server
    case client
}
