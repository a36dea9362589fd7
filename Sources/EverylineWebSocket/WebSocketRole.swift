/// Which end of the connection this is. A client masks what it sends, a server doesn't.
enum WebSocketRole: Sendable {
    case server
    case client
}
