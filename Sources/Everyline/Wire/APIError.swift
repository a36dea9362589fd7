/// The server's refusal: what its `application/problem+json` says.
public struct APIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The HTTP status.
    public let status: Int
    /// The stable code; `http_404` and the like for an answer that is no problem document.
    public let code: String
    /// What happened, for people.
    public let detail: String
    /// Finds the request in the server's log.
    public let requestID: String?
    /// With `append_out_of_order`, `different_content`, `execution_ended`, `log_full` and `other_incarnation`: the
    /// log's head.
    public let head: Offset?
    /// With `other_incarnation`: what the client must forget.
    public let restoration: Restoration?
    /// How long the server asks to be left alone before the next try.
    public let retryAfter: Duration?

    public init(
        status: Int, code: String, detail: String, requestID: String? = nil, head: Offset? = nil,
        restoration: Restoration? = nil, retryAfter: Duration? = nil
    ) {
        self.restoration = restoration
        self.status = status
        self.code = code
        self.detail = detail
        self.requestID = requestID
        self.head = head
        self.retryAfter = retryAfter
    }

    /// The code, if it is one that this client knows.
    public var knownCode: Problem.Code? { Problem.Code(rawValue: code) }

    /// Whether the same request may succeed later: the server is overloaded, restarting or out of space.
    public var isTransient: Bool {
        // What is damaged on the server's disk stays so.
        if knownCode == .dataDamaged { return false }
        return switch status {
        case 408, 425, 429, 500...: true
        default: false
        }
    }

    /// Whether something between the client and Everyline answered: a proxy, a sign-in page, another program on the
    /// port. Such an answer says nothing about the execution, and passes when the way is free again.
    public var isForeign: Bool { knownCode?.status != status }

    /// Whether a producer tries the same again. Only Everyline's own refusal means that its log takes no more.
    package var mayPassForProducer: Bool { isForeign || isTransient }

    public var description: String {
        let suffix = requestID.map { ", request \($0)" } ?? ""
        return "\(detail) (\(code), HTTP \(status)\(suffix))"
    }
}
