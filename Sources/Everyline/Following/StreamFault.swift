/// How a server broke what it promises of a stream. A client that sees one must not go on as if nothing were missing.
public enum StreamFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The event `wanted` is missing: `got` came in its place.
    case hole(wanted: Offset, got: Offset)
    /// A line is no event and no control line.
    case malformed
    /// Something came after the `end` event.
    case afterEnd
    /// The server's log is shorter than what was received of it.
    case wentBack(head: Offset, received: Offset)
    /// The stream was closed as complete without its `end` event.
    case noEnd

    public var description: String {
        switch self {
        case .hole(let wanted, let got): "event \(wanted) is missing: \(got) came in its place"
        case .malformed: "a line came that is no event"
        case .afterEnd: "something came after the end event"
        case .wentBack(let head, let received): "the server's log ends with \(head), but \(received) was received"
        case .noEnd: "the stream was closed without its end event"
        }
    }
}
