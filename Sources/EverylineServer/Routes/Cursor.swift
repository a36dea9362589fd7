import Everyline
import Hummingbird

/// Where a request wants a log to begin: `after=OFFSET` or `last_seen_timestamp=MS`, not both.
struct Cursor {
    /// `nil` if the request says nothing.
    let start: StreamStart?

    /// - Throws: `invalid_cursor` for both at once, for one that comes twice, and for anything but a non-negative integer.
    init(_ query: Query) throws {
        let after = try query.single("after")
        let time = try query.single("last_seen_timestamp")
        switch (after, time) {
        case (nil, nil):
            start = nil
        case (let after?, nil):
            guard let offset = Offset(decimal: after) else {
                throw APIError(.invalidCursor, "after must be an offset: a non-negative integer.")
            }
            start = .after(offset)
        case (nil, let time?):
            guard let time = Timestamp(decimal: time) else {
                throw APIError(.invalidCursor, "last_seen_timestamp must be milliseconds since the epoch.")
            }
            start = .notOlderThan(time)
        case (_?, _?):
            throw APIError(.invalidCursor, "Give after or last_seen_timestamp, not both.")
        }
    }
}

extension StreamStart {
    /// The offset after which the events follow.
    ///
    /// - Throws: `invalid_cursor` for an offset beyond the head: nobody can have seen that event.
    func offset(in execution: ExecutionID, of log: any LogStore) async throws -> Offset {
        switch self {
        case .after(let offset):
            let head = try await log.head(of: execution)
            guard offset <= head.offset else {
                throw APIError(
                    .invalidCursor, "The log's head is \(head.offset); there is no event \(offset) yet.",
                    head: head.offset)
            }
            return offset
        case .notOlderThan(let time):
            return try await log.offset(in: execution, before: time)
        }
    }
}

/// A request's query, decoded, with its parameters counted.
struct Query {
    private let values: [Substring: [Substring]]

    init(_ request: Request) {
        self.init(request.uri.queryParameters.map { ($0.key, $0.value) })
    }

    init(_ pairs: [(Substring, Substring)]) {
        values = Dictionary(grouping: pairs, by: \.0).mapValues { $0.map(\.1) }
    }

    /// The parameter's value; `nil` if it isn't there.
    ///
    /// - Throws: `invalid_request` if it comes more than once.
    func single(_ name: String) throws -> String? {
        guard let found = values[Substring(name)] else { return nil }
        guard found.count == 1, let value = found.first else {
            throw APIError(.invalidRequest, "The parameter \(name) may come once.")
        }
        return String(value)
    }

    /// Whether it is `true`; not if it isn't there.
    func flag(_ name: String) throws -> Bool {
        switch try single(name) {
        case nil, "false": false
        case "true": true
        default: throw APIError(.invalidRequest, "\(name) must be true or false.")
        }
    }

    /// A count between 1 and `maximum`.
    func count(_ name: String, maximum: Int) throws -> Int? {
        guard let text = try single(name) else { return nil }
        guard let value = Offset(decimal: text), (1...UInt64(maximum)).contains(value.rawValue) else {
            throw APIError(.invalidRequest, "\(name) must be a number from 1 to \(maximum).")
        }
        return Int(value.rawValue)
    }

    /// - Throws: `invalid_request` if there is a parameter with another name.
    func allow(only names: String...) throws {
        if let unknown = values.keys.first(where: { !names.contains(String($0)) }) {
            throw APIError(.invalidRequest, "Unknown parameter \"\(unknown.prefix(64))\".")
        }
    }
}
