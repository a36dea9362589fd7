/// By which way a log is followed: the first that nothing between client and server is in the way of.
public enum StreamWay: Int, Sendable, CaseIterable {
    case webSocket
    /// A response that goes on.
    case serverSentEvents
    /// Requests again and again, each for what there is by then.
    case blocks

    /// For people.
    public var name: String {
        switch self {
        case .webSocket: "WebSocket"
        case .serverSentEvents: "server-sent events"
        case .blocks: "reading again and again"
        }
    }
}
