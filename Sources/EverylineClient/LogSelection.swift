public import Everyline

/// What a download asks for.
public struct LogSelection: Sendable, Equatable {
    public enum Format: Sendable, Equatable {
        /// The events' lines, as JSON.
        case events
        /// The messages, each with its newline.
        case text
    }

    public var format: Format
    public var start: StreamStart
    /// How many events at the most.
    public var limit: Int?
    /// These bytes of the answer only.
    public var bytes: ByteRange?
    /// What is known of the log already is of this one; the server refuses if that isn't true any more.
    public var incarnation: Incarnation?

    public enum ByteRange: Sendable, Equatable {
        case from(Int)
        case through(Int, Int)
        case last(Int)
    }

    public init(
        _ format: Format = .events, from start: StreamStart = .beginning, limit: Int? = nil, bytes: ByteRange? = nil,
        knowing incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation
        self.format = format
        self.start = start
        self.limit = limit
        self.bytes = bytes
    }

    /// As the request names them.
    var query: [(name: String, value: String)] {
        var query = start.query + incarnation.query
        if let limit { query.append((name: "limit", value: "\(limit)")) }
        // `LogDownload.nextAfter` says where to go on.
        query.append((name: "parts", value: "true"))
        return query
    }

    var headers: [(name: String, value: String)] {
        var headers = [(name: "Accept", value: format == .events ? APIHeader.ndjson : "text/plain")]
        switch bytes {
        case .from(let first): headers.append((name: "Range", value: "bytes=\(first)-"))
        case .through(let first, let last): headers.append((name: "Range", value: "bytes=\(first)-\(last)"))
        case .last(let count): headers.append((name: "Range", value: "bytes=-\(count)"))
        case nil: break
        }
        return headers
    }
}

extension Incarnation? {
    /// As a request names it.
    var query: [(name: String, value: String)] { map { [(name: "incarnation", value: $0.rawValue)] } ?? [] }
}

extension StreamStart {
    /// As a request names it; nothing for the beginning.
    var query: [(name: String, value: String)] {
        switch self {
        case .after(.zero): []
        case .after(let offset): [(name: "after", value: "\(offset)")]
        case .notOlderThan(let time): [(name: "last_seen_timestamp", value: "\(time.milliseconds)")]
        }
    }
}
