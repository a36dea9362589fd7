import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What kind of failure one attempt was, which decides whether and when there is another.
enum AWSFailure: Sendable {
    /// The service wants less.
    case throttled
    /// It may pass by itself.
    case transient
    /// The credentials were good once.
    case expiredCredentials
    /// It would fail again.
    case permanent

    init(_ error: AWSError) {
        switch error.code {
        case .transport:
            self = (error.cause as? AWSTransportError).map(\.isTransient) ?? false ? .transient : .permanent
        case _ where Self.throttling.contains(error.code.rawValue):
            self = .throttled
        case _ where Self.expired.contains(error.code.rawValue):
            self = .expiredCredentials
        case _ where Self.passing.contains(error.code.rawValue):
            self = .transient
        default:
            switch error.status {
            case 429: self = .throttled
            case 500, 502, 503, 504: self = .transient
            default: self = .permanent
            }
        }
    }

    private static let throttling: Set<String> = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
        "TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown", "EC2ThrottledException",
        "PriorRequestNotComplete",
    ]
    private static let passing: Set<String> = [
        "RequestTimeout", "RequestTimeoutException", "InternalServerError", "InternalError", "InternalFailure",
        "ServiceUnavailable", "ServiceUnavailableException", "ReplicatedWriteConflictException",
        // A single write that ran into a transaction.
        "TransactionConflictException",
    ]
    private static let expired: Set<String> = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]
}

extension AWSTransportError {
    fileprivate var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut: true
        case .answerTooLarge: false
        }
    }
}

extension AWSError {
    /// Reads the refusal of a service: XML where that is what it speaks, else one of the JSON protocols.
    ///
    /// The code comes in the header `x-amzn-ErrorType` or as the body's `__type` or `code`, with a namespace before a
    /// `#` or an address behind a `:`.
    init(_ response: AWSHTTPResponse, operation: String, attempts: Int) {
        struct Body: Decodable {
            var type: String?
            var code: String?
            var lower: String?
            var upper: String?

            enum CodingKeys: String, CodingKey {
                case type = "__type"
                case code
                case lower = "message"
                case upper = "Message"
            }
        }
        if response.body.readableBytesView.first == UInt8(ascii: "<"), let error = try? XMLElement(response.body),
            let code = error.first("Code")?.text
        {
            self.init(
                Code(code), operation: operation, message: error.first("Message")?.text ?? code,
                status: response.status,
                requestID: (error.first("RequestId") ?? error.first("RequestID"))?.text, attempts: attempts,
                details: response.body)
            return
        }
        // A refusal whose body isn't JSON, such as a proxy's, is a refusal all the same.
        let body = try? JSONDecoder().decode(Body.self, from: Data(response.body.readableBytesView))
        let named = response.headers.first(name: "x-amzn-ErrorType") ?? body?.type ?? body?.code
        let code = named.map { $0.prefix { $0 != ":" } }.map { $0.split(separator: "#").last ?? $0 }
        self.init(
            code.map { Code(String($0)) } ?? Self.code(ofStatus: response.status), operation: operation,
            message: body?.lower ?? body?.upper ?? "the answer's status is \(response.status)",
            status: response.status,
            requestID: response.headers.first(name: "x-amzn-RequestId")
                ?? response.headers.first(name: "x-amz-request-id"),
            attempts: attempts, details: response.body)
    }

    /// The gateway's management interface names its errors in the header, but a proxy before it may not.
    private static func code(ofStatus status: Int) -> Code {
        status == 410 ? .gone : .unknown
    }
}
