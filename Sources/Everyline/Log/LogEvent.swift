/// One event, decoded: what a client sees of a line of the log.
public struct LogEvent: Sendable, Equatable {
    public let offset: Offset
    public let timestamp: Timestamp
    public let content: Content

    public enum Content: Sendable, Equatable {
        case line(LogLine)
        /// Something that the log itself has to say, for example that output goes on unrecorded.
        case notice(code: String, message: String)
        case end(ExecutionOutcome)
    }

    public init(offset: Offset, timestamp: Timestamp, content: Content) {
        self.offset = offset
        self.timestamp = timestamp
        self.content = content
    }
}

/// One line of output, without its newline.
public struct LogLine: Sendable, Equatable {
    public enum Stream: String, Sendable {
        case stdout
        case stderr
    }

    /// Only where it is known.
    public let stream: Stream?
    public let message: String
    /// Whether the line was too long and goes on in the next event.
    public let isPartial: Bool
    /// The source's own name for the event, where it has one.
    public let eventID: String?

    public init(message: String, stream: Stream? = nil, isPartial: Bool = false, eventID: String? = nil) {
        self.message = message
        self.stream = stream
        self.isPartial = isPartial
        self.eventID = eventID
    }
}
