import Everyline
import Hummingbird

/// Where a request wants a log to begin: `after=OFFSET` or `last_seen_timestamp=MS`, not both.
struct Cursor {
    /// `nil` if the request says nothing.
    let start: StreamStart?

    /// - Throws: ``StreamStart/InvalidStart``, and `invalid_request` for one that comes twice.
    init(_ query: Query) throws {
        start = try StreamStart.parse(
            after: query.single("after"), lastSeenTimestamp: query.single("last_seen_timestamp"))
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
            throw ProblemError(.invalidRequest, "The parameter \(name) may come once.")
        }
        return String(value)
    }

    /// The incarnation that the client knows; `nil` if it names none.
    func incarnation() throws -> Incarnation? {
        guard let text = try single("incarnation") else { return nil }
        guard let known = Incarnation(text) else {
            throw ProblemError(.invalidRequest, "incarnation must be one that an answer has named.")
        }
        return known
    }

    /// Whether it is `true`; not if it isn't there.
    func flag(_ name: String) throws -> Bool {
        switch try single(name) {
        case nil, "false": false
        case "true": true
        default: throw ProblemError(.invalidRequest, "\(name) must be true or false.")
        }
    }

    /// A count between 1 and `maximum`.
    func count(_ name: String, maximum: Int) throws -> Int? {
        guard let text = try single(name) else { return nil }
        guard let value = Offset(decimal: text), (1...UInt64(maximum)).contains(value.rawValue) else {
            throw ProblemError(.invalidRequest, "\(name) must be a number from 1 to \(maximum).")
        }
        return Int(value.rawValue)
    }

    /// - Throws: `invalid_request` if there is a parameter with another name.
    func allow(only names: [String]) throws {
        if let unknown = values.keys.first(where: { !names.contains(String($0)) }) {
            throw ProblemError(.invalidRequest, "Unknown parameter \"\(unknown.prefix(64))\".")
        }
    }
}
