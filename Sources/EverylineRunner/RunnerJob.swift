package import Everyline

/// What a runner is told: which command, for which execution. Where its output goes it finds by where its directory
/// lies (``JobDirectory/serverSocket``).
///
/// It holds a secret, so it is handed over in a file that its owner alone may read, never in arguments.
package struct RunnerJob: Codable, Sendable, Equatable {
    package var execution: String
    package var appendToken: String
    package var request: RunRequest
    package var lineLimit: ByteCount
    /// The fields of an `end` that the server knows; `nil` from a server that knows no more than those of the first
    /// release.
    package var endFields: [String]?
    /// ``Incarnation`` of the server's data; `nil` from a server that told none apart.
    package var incarnation: String?

    package init(
        execution: ExecutionID, appendToken: Secret, request: RunRequest, lineLimit: ByteCount,
        endFields: [String]? = ResourceUsage.fields, incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation?.rawValue
        self.execution = execution.rawValue
        self.appendToken = appendToken.value
        self.request = request
        self.lineLimit = lineLimit
        self.endFields = endFields
    }

    enum CodingKeys: String, CodingKey {
        case execution, request, incarnation
        case appendToken = "append_token"
        case lineLimit = "line_limit"
        case endFields = "end_fields"
    }
}
