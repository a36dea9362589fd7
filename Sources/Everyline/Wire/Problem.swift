/// An error on the wire: `application/problem+json` (RFC 9457) with a stable code and the request's id.
public struct Problem: Codable, Sendable, Equatable {
    /// Always `about:blank`: the code says what kind it is.
    public var type: String
    public var title: String
    public var status: Int
    public var detail: String
    public var code: String
    public var requestID: String
    /// With `append_out_of_order`, `different_content`, `execution_ended`, `log_full` and `other_incarnation`: the
    /// log's head.
    public var head: UInt64?
    /// With `other_incarnation`: the one of now.
    public var incarnation: String?
    /// With `other_incarnation`: up to this event the log is what the client knows.
    public var base: UInt64?
    /// With `other_incarnation`: how many restores there were since the client's incarnation.
    public var restores: Int?

    public init(
        _ code: Code, detail: String, requestID: String, head: UInt64? = nil, restoration: Restoration? = nil
    ) {
        incarnation = restoration?.incarnation.rawValue
        base = restoration?.base.rawValue
        restores = restoration?.count
        type = "about:blank"
        title = code.title
        status = code.status
        self.detail = detail
        self.code = code.rawValue
        self.requestID = requestID
        self.head = head
    }

    enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, head, incarnation, base, restores
        case requestID = "request_id"
    }

    /// The stable codes, each with its one status.
    public enum Code: String, Sendable, CaseIterable {
        case invalidRequest = "invalid_request"
        case invalidCursor = "invalid_cursor"
        case invalidEvent = "invalid_event"
        case notSupported = "not_supported"
        case unauthorized
        case forbidden
        case notFound = "not_found"
        case unknownExecution = "unknown_execution"
        case unknownKey = "unknown_key"
        case methodNotAllowed = "method_not_allowed"
        case requestTimeout = "request_timeout"
        case outOfOrder = "append_out_of_order"
        case differentContent = "different_content"
        case ended = "execution_ended"
        case noInput = "no_input"
        case otherIncarnation = "other_incarnation"
        case idempotencyKeyReused = "idempotency_key_reused"
        case lastAdministrator = "last_administrator"
        case bodyTooLarge = "body_too_large"
        case logFull = "log_full"
        case unsupportedMediaType = "unsupported_media_type"
        case rangeNotSatisfiable = "range_not_satisfiable"
        case upgradeRequired = "upgrade_required"
        case headTooLarge = "head_too_large"
        case tooManyRequests = "too_many_requests"
        case internalError = "internal_error"
        case dataDamaged = "data_damaged"
        case unavailable
        case noSpace = "no_space"

        public var status: Int {
            switch self {
            case .invalidRequest, .invalidCursor, .invalidEvent, .notSupported: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound, .unknownExecution, .unknownKey: 404
            case .methodNotAllowed: 405
            case .requestTimeout: 408
            case .outOfOrder, .differentContent, .ended, .noInput, .otherIncarnation, .lastAdministrator: 409
            case .bodyTooLarge, .logFull: 413
            case .unsupportedMediaType: 415
            case .rangeNotSatisfiable: 416
            case .idempotencyKeyReused: 422
            case .upgradeRequired: 426
            case .tooManyRequests: 429
            case .headTooLarge: 431
            case .internalError, .dataDamaged: 500
            case .unavailable: 503
            case .noSpace: 507
            }
        }

        public var title: String {
            switch self {
            case .invalidRequest: "Invalid request"
            case .invalidCursor: "Invalid cursor"
            case .invalidEvent: "Invalid event"
            case .notSupported: "This server has no such thing"
            case .unauthorized: "Not authenticated"
            case .forbidden: "Not allowed"
            case .notFound: "Not found"
            case .unknownExecution: "Unknown execution"
            case .unknownKey: "Unknown key"
            case .methodNotAllowed: "Method not allowed"
            case .requestTimeout: "The request took too long"
            case .outOfOrder: "The log has not reached this head"
            case .differentContent: "Something else stands there"
            case .ended: "The execution has ended"
            case .noInput: "No runner asks for the command's input"
            case .otherIncarnation: "A backup was put back since"
            case .lastAdministrator: "The last administrator's key"
            case .idempotencyKeyReused: "The idempotency key was used with another body"
            case .bodyTooLarge: "The body is too large"
            case .logFull: "The log has reached its limit"
            case .unsupportedMediaType: "Unsupported media type"
            case .rangeNotSatisfiable: "Range not satisfiable"
            case .upgradeRequired: "This is a WebSocket endpoint"
            case .headTooLarge: "The head of the request is too large"
            case .tooManyRequests: "Too many requests"
            case .internalError: "Internal error"
            case .dataDamaged: "What is stored is damaged"
            case .unavailable: "Unavailable"
            case .noSpace: "No space left on the server's disk"
            }
        }
    }
}
