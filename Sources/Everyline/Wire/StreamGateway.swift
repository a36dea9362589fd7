/// Where a log's stream is, if another machine than the API's keeps its connections, and how its URL says so.
///
/// On such a stream the viewer speaks first: nothing comes before it has said from where it goes on. The URL says that,
/// and where to begin, so that the URL alone is enough for a client.
package struct StreamGateway: Sendable, Equatable {
    /// `wss://host/stage`, without a query.
    package let address: String

    package init(address: String) { self.address = address }

    /// The address of one execution's stream, to be begun after `offset`.
    package func url(of execution: ExecutionID, token: String, after offset: Offset) -> String {
        "\(address)?execution=\(execution)&token=\(token)&\(Self.opening)"
            + (offset > .zero ? "&\(Self.after)\(offset)" : "")
    }

    /// After which event a viewer must resume a stream that waits for it to speak; `nil` for a stream that begins by
    /// itself.
    package static func start(of url: String) -> Offset? {
        guard let query = url.split(separator: "?", maxSplits: 1).dropFirst().first else { return nil }
        let parameters = query.split(separator: "&")
        guard parameters.contains(where: { $0 == opening }) else { return nil }
        guard let start = parameters.first(where: { $0.hasPrefix(after) }) else { return .zero }
        return Offset(decimal: start.dropFirst(after.count))
    }

    private static let opening = "opening=resume"
    private static let after = "after="
}
