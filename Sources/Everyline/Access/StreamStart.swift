/// Where a viewer begins.
public enum StreamStart: Sendable, Equatable {
    /// With the first event after this offset.
    case after(Offset)
    /// With the first event that is not older than this.
    case notOlderThan(Timestamp)

    public static let beginning = StreamStart.after(.zero)

    /// What a request says: `after=OFFSET` or `last_seen_timestamp=MS`; `nil` if neither.
    ///
    /// - Throws: ``InvalidStart`` for both at once, and for anything but a non-negative integer.
    public static func parse(after: String?, lastSeenTimestamp time: String?) throws(InvalidStart) -> StreamStart? {
        switch (after, time) {
        case (nil, nil): return nil
        case (let after?, nil):
            guard let offset = Offset(decimal: after) else { throw .offset }
            return .after(offset)
        case (nil, let time?):
            guard let time = Timestamp(decimal: time) else { throw .timestamp }
            return .notOlderThan(time)
        case (_?, _?): throw .both
        }
    }

    /// The offset after which the events follow.
    ///
    /// - Throws: ``InvalidStart/beyondHead(_:)`` for an offset beyond the head, which no client can have seen;
    ///   ``LogStoreError/unknownExecution``.
    package func offset(in execution: ExecutionID, of log: any LogReader) async throws -> Offset {
        switch self {
        case .after(let offset):
            let head = try await log.head(of: execution).offset
            guard offset <= head else { throw InvalidStart.beyondHead(head) }
            return offset
        case .notOlderThan(let time):
            return try await log.offset(in: execution, before: time)
        }
    }

    /// What is wrong with where a request wants to begin.
    public enum InvalidStart: Error, Equatable {
        case offset
        case timestamp
        case both
        /// The log's head is smaller than the offset.
        case beyondHead(Offset)
    }
}
