public import NIOCore

/// The two forms in which a WebSocket stream speaks.
public enum StreamEncoding: String, Sendable {
    /// `everyline.v1`: a message is a block of event lines, or a control line.
    case blocks
    /// Without a subprotocol: a message is one line event with an `event_id`, and the end is a `disconnect`.
    case lines

    /// The messages that carry the blocks, none of them above the limit unless a single event is.
    public func messages(of blocks: [EventBlock], frameLimit: ByteCount) -> [ByteBuffer] {
        var messages: [ByteBuffer] = []
        for block in blocks {
            switch self {
            case .blocks:
                messages += block.pieces(limit: frameLimit).map(\.message)
            case .lines:
                block.forEachLine { offset, line in
                    let isEnd = block.endsLog && offset == block.last
                    guard !isEnd else { return messages.append(Self.disconnect) }
                    var message = ByteBufferAllocator().buffer(capacity: line.count + 40)
                    EventFields.writeIdentified(line, at: offset, into: &message)
                    messages.append(message)
                }
            }
        }
        return messages
    }

    /// - Parameters:
    ///   - head: the last event's offset.
    ///   - incarnation: of the server's data, where one is told apart.
    public func heartbeat(head: Offset, in incarnation: Incarnation? = nil) -> ByteBuffer? {
        switch self {
        case .blocks:
            ByteBuffer(
                string: "{\"type\":\"heartbeat\",\"head\":\(head)"
                    + (incarnation.map { ",\"incarnation\":\"\($0)\"" } ?? "") + "}")
        case .lines: nil
        }
    }

    /// `nil` for a viewer that would take it for an event.
    public func pending(_ line: PendingLine) -> ByteBuffer? {
        switch self {
        case .blocks: line.controlLine
        case .lines: nil
        }
    }

    /// The last message to a viewer that knows the log as it was in an earlier incarnation.
    package func restored(_ restoration: Restoration) -> ByteBuffer {
        let fields = "\"incarnation\":\"\(restoration.incarnation)\",\"base\":\(restoration.base)}"
        return switch self {
        case .blocks:
            ByteBuffer(
                string: "{\"type\":\"notice\",\"code\":\"\(Problem.Code.otherIncarnation.rawValue)\",\"message\":"
                    + "\"The server's data were restored from a backup: what came after event \(restoration.base) is void. "
                    + "Ask for the log anew after it.\"," + fields)
        case .lines:
            ByteBuffer(
                string: "{\"type\":\"disconnect\",\"reason\":\"\(Problem.Code.otherIncarnation.rawValue)\"," + fields)
        }
    }

    private static let disconnect = ByteBuffer(
        string: #"{"type":"disconnect","reason":"execution_completed"}"#)
}
