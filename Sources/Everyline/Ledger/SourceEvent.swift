/// One event of the authoritative log of a platform (CloudWatch), before it has an offset.
public struct SourceEvent: Sendable, Equatable {
    /// The platform's own name for the event. The same id always has the same time and text, however often it comes.
    public let id: String
    public let timestamp: Timestamp
    public let message: String
    /// Whether the line was too long for the platform, and goes on in the next event.
    public let isPartial: Bool

    public init(id: String, timestamp: Timestamp, message: String, isPartial: Bool = false) {
        self.id = id
        self.timestamp = timestamp
        self.message = message
        self.isPartial = isPartial
    }
}

extension SourceEvent: Comparable {
    /// The order in which events of one batch get their offsets: by time, then by id.
    public static func < (left: SourceEvent, right: SourceEvent) -> Bool {
        (left.timestamp, left.id) < (right.timestamp, right.id)
    }
}
