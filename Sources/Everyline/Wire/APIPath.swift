/// The paths of the HTTP API, in one place for the server and the client.
public enum APIPath {
    public static let prefix = "/api/v1"
    public static let run = prefix + "/run"
    public static let executions = prefix + "/executions"
    public static let keys = prefix + "/keys"
    public static let me = prefix + "/me"
    public static let health = prefix + "/health"
    public static let openAPI = prefix + "/openapi.json"

    public static func execution(_ id: ExecutionID) -> String { "\(executions)/\(id)" }
    public static func status(of id: ExecutionID) -> String { "\(executions)/\(id)/status" }
    public static func logs(of id: ExecutionID) -> String { "\(executions)/\(id)/logs" }
    /// The events that there are by now.
    public static func block(of id: ExecutionID) -> String { "\(executions)/\(id)/block" }
    /// WebSocket.
    public static func stream(of id: ExecutionID) -> String { "\(executions)/\(id)/stream" }
    /// Server-sent events.
    public static func events(of id: ExecutionID) -> String { "\(executions)/\(id)/events" }
    /// Where a producer says what it holds of an unfinished line.
    public static func pending(of id: ExecutionID) -> String { "\(executions)/\(id)/pending" }
    /// Where a producer learns that it should stop: answers when that is so, or after a while.
    public static func control(of id: ExecutionID) -> String { "\(executions)/\(id)/control" }
    /// Where a client writes a command's standard input, and its runner reads it.
    public static func input(of id: ExecutionID) -> String { "\(executions)/\(id)/input" }
    public static func key(_ id: APIKey.ID) -> String { "\(keys)/\(id)" }

    /// The execution of a path like ``stream(of:)``, where `end` is what follows the id, `/stream`; `nil` for any other path.
    package static func execution(in path: String, before end: String) -> ExecutionID? {
        guard path.hasPrefix(executions), path.hasSuffix(end) else { return nil }
        let id = path.utf8.dropFirst(executions.utf8.count).dropLast(end.utf8.count)
        guard id.first == UInt8(ascii: "/") else { return nil }
        return ExecutionID(Substring(id.dropFirst()))
    }
}

/// The headers and media types that are ours or that both sides name.
public enum APIHeader {
    public static let apiKey = "X-API-Key"
    public static let idempotencyKey = "Idempotency-Key"
    public static let requestID = "X-Request-ID"
    /// On answers of the logs endpoint: the offset of the last event that the body holds.
    public static let lastOffset = "X-Last-Offset"
    /// On an answer of the logs endpoint that holds less than was asked for: the rest comes `after` this offset.
    public static let nextAfter = "X-Next-After"
    /// On answers that hold a part of a log: ``Incarnation`` of the server's data.
    public static let incarnation = "X-Incarnation"
    public static let ndjson = "application/x-ndjson"
    public static let problem = "application/problem+json"
    /// The WebSocket subprotocol in which a message is a block of event lines.
    public static let subprotocol = "everyline.v1"
}
