/// What a resuming tail has to tell.
public enum TailUpdate: Sendable, Equatable {
    /// The events that follow the ones before. Their offsets have been checked.
    case events(ReceivedBlock)
    /// What is known of the line that follows, which has no newline yet; with an empty message, that there is none any
    /// more. Events end it, and so does a lost connection. It isn't part of the log.
    case pending(PendingLine)
    /// The server says something that is not part of the log.
    case notice(String)
    /// The server's data were restored from a backup. Of what was given, the events after this one are void; `known` is
    /// the last that was given. What comes next follows this one.
    case restored(after: Offset, known: Offset?)
    /// The log is followed by another way than before, at first by another than WebSocket.
    case way(StreamWay)
    /// There is no connection now. The next try is made after the delay.
    case reconnecting(Reconnection)
    /// The connection stands again, and the server goes on with what was given: what comes next follows this offset, or
    /// begins anew if there is none. It is told with the first message of the new connection.
    case resumed(after: Offset?)
    /// The execution has ended; nothing follows.
    ///
    /// `isVerified` says that the `end` event was seen and every event from the start that was asked for up to it. It
    /// is `false` in one case only: the start lies behind the `end` event, so that there was nothing to see; the
    /// outcome is the server's word then.
    case ended(ExecutionOutcome, isVerified: Bool)
}

/// Why and when a tail connects anew.
public struct Reconnection: Sendable, Equatable {
    /// For people.
    public let reason: String
    /// The last event that was received.
    public let after: Offset?
    /// How often it has failed since the last progress; from 1.
    public let failures: Int
    public let delay: Duration

    public init(reason: String, after: Offset?, failures: Int, delay: Duration) {
        self.reason = reason
        self.after = after
        self.failures = failures
        self.delay = delay
    }
}

/// Why a tail gave up. Nothing it gave out before was wrong, but it doesn't have everything.
public enum TailError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The server refuses the viewer: no such execution, no such key, not allowed.
    case refused(APIError)
    /// No connection came about in the tries that there are before the first one stands.
    case unreachable(String)
    /// The server broke its promise again and again, so that completeness can't be proved.
    case unproven(StreamFault, after: Offset?)
    /// The stream's URL or the server's answers can't be used.
    case unusable(String)

    public var description: String {
        switch self {
        case .refused(let error): error.description
        case .unreachable(let reason): reason
        case .unproven(let fault, let after):
            "it can't be proved that everything was received (up to event \(after ?? .zero)): \(fault)"
        case .unusable(let what): what
        }
    }
}

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
