package import NIOCore

/// Why an operation failed, after the last attempt.
package struct AWSError: Error, Sendable, CustomStringConvertible {
    /// What the service calls it, such as `ConditionalCheckFailedException`, without a namespace.
    package struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package init(_ rawValue: String) { self.rawValue = rawValue }
        package var description: String { rawValue }
    }

    package let code: Code
    /// `dynamodb.PutItem`
    package let operation: String
    /// What the service said, or what went wrong before it could.
    package let message: String
    /// The answer's status; `nil` where there was none.
    package let status: Int?
    /// What AWS's support asks for.
    package let requestID: String?
    package let attempts: Int
    package let cause: (any Error)?
    /// The answer's body, where an operation's errors say more.
    package let details: ByteBuffer

    init(
        _ code: Code, operation: String, message: String, status: Int? = nil, requestID: String? = nil,
        attempts: Int = 1, cause: (any Error)? = nil, details: ByteBuffer = ByteBuffer()
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.status = status
        self.requestID = requestID
        self.attempts = attempts
        self.cause = cause
        self.details = details
    }

    package var description: String {
        var text = "\(operation): \(code): \(message)"
        if let status { text += " (status \(status))" }
        if let requestID { text += " (request \(requestID))" }
        if attempts > 1 { text += " after \(attempts) attempts" }
        return text
    }
}

extension AWSError.Code {
    /// There was no answer: see the cause.
    package static let transport = Self("Transport")
    /// There are no credentials, or they can't be renewed: see the cause.
    package static let credentials = Self("Credentials")
    /// The answer isn't what the operation gives.
    package static let unexpectedAnswer = Self("UnexpectedAnswer")
    /// The answer had a status of an error but no code.
    package static let unknown = Self("Unknown")

    package static let throttled = Self("ThrottlingException")
    package static let conditionalCheckFailed = Self("ConditionalCheckFailedException")
    package static let transactionCanceled = Self("TransactionCanceledException")
    package static let transactionConflict = Self("TransactionConflictException")
    package static let invalidParameter = Self("InvalidParameterException")
    package static let idempotentParameterMismatch = Self("IdempotentParameterMismatchException")
    package static let resourceNotFound = Self("ResourceNotFoundException")
    /// A post to a connection that doesn't exist (yet, or any more).
    package static let gone = Self("GoneException")
    package static let limitExceeded = Self("LimitExceededException")
    package static let payloadTooLarge = Self("PayloadTooLargeException")
}
