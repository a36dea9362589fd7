package import Everyline

/// What a ``ResumingTail`` needs of the world, as closures. Each throws ``TailFailure``, or `CancellationError`.
package struct TailEndpoint: Sendable {
    /// Asks where to follow the log; what is known of it is of the incarnation.
    package var locate: @Sendable (StreamStart, Incarnation?) async throws -> TailSource
    /// Opens the stream at a URL that ``locate`` gave.
    package var open: @Sendable (String, StreamStart, Incarnation?) async throws -> any TailConnection
    /// Asks how the execution stands; what is known of its log is of the incarnation.
    package var state: @Sendable (Incarnation?) async throws -> TailState

    package init(
        locate: @escaping @Sendable (StreamStart, Incarnation?) async throws -> TailSource,
        open: @escaping @Sendable (String, StreamStart, Incarnation?) async throws -> any TailConnection,
        state: @escaping @Sendable (Incarnation?) async throws -> TailState
    ) {
        self.locate = locate
        self.open = open
        self.state = state
    }
}

/// Where a log can be followed.
package enum TailSource {
    /// At this URL.
    case stream(String, in: Incarnation? = nil)
    /// Here: it has ended, and this is what follows the offset.
    case download(any TailConnection, in: Incarnation? = nil)
}

/// One connection over which events come. A reader that doesn't ask makes the server wait.
package protocol TailConnection {
    /// By which way it comes.
    var way: StreamWay { get }

    /// What comes next.
    ///
    /// - Throws: `CancellationError`.
    mutating func next() async throws -> TailReading

    /// Hangs up, if that hasn't happened yet. Letting go of the connection does the same.
    func close()
}

extension TailConnection {
    package var way: StreamWay { .webSocket }
}

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
