/// The paths of the HTTP API, in one place for the server and the client.
package enum APIPath {
    package static let prefix = "/api/v1"
    package static let run = prefix + "/run"
    package static let executions = prefix + "/executions"
    package static let keys = prefix + "/keys"
    package static let me = prefix + "/me"
    package static let health = prefix + "/health"
    package static let openAPI = prefix + "/openapi.json"

    /// What is asked of one execution.
    package enum Part: String, Sendable {
        case status
        case logs
        /// The events that there are by now.
        case block
        /// WebSocket.
        case stream
        /// Server-sent events; where a producer appends.
        case events
        /// Where a producer says what it holds of an unfinished line.
        case pending
        /// Where a producer learns that it should stop: answers when that is so, or after a while.
        case control
        /// Where a client writes a command's standard input, and its runner reads it.
        case input
    }

    package static func execution(_ id: ExecutionID) -> String { "\(executions)/\(id)" }
    package static func execution(_ id: ExecutionID, _ part: Part) -> String { "\(executions)/\(id)/\(part.rawValue)" }

    /// The path of every execution as routers take it, with `:id` for the id.
    package static let anyExecution = executions + "/:id"
    package static func anyExecution(_ part: Part) -> String { "\(anyExecution)/\(part.rawValue)" }

    /// The execution of a path that asks for this part; `nil` for any other path.
    package static func execution(in path: String, before part: Part) -> ExecutionID? {
        let end = "/" + part.rawValue
        guard path.hasPrefix(executions), path.hasSuffix(end) else { return nil }
        let id = path.utf8.dropFirst(executions.utf8.count).dropLast(end.utf8.count)
        guard id.first == UInt8(ascii: "/") else { return nil }
        return ExecutionID(Substring(id.dropFirst()))
    }
}

/// The headers and media types that are ours or that both sides name.
package enum APIHeader {
    package static let apiKey = "X-API-Key"
    package static let idempotencyKey = "Idempotency-Key"
    package static let requestID = "X-Request-ID"
    /// On answers of the logs endpoint: the offset of the last event that the body holds.
    package static let lastOffset = "X-Last-Offset"
    /// On an answer of the logs endpoint that holds less than was asked for: the rest comes `after` this offset.
    package static let nextAfter = "X-Next-After"
    /// On answers that hold a part of a log: ``Incarnation`` of the server's data.
    package static let incarnation = "X-Incarnation"
    package static let ndjson = "application/x-ndjson"
    package static let problem = "application/problem+json"
    /// The WebSocket subprotocol in which a message is a block of event lines.
    package static let subprotocol = "everyline.v1"
}
