package import Everyline
package import HTTPTypes
import NIOHTTP1

/// What a route throws when the answer is a problem.
package struct ProblemError: Error {
    package let code: Problem.Code
    package let detail: String
    package let head: Offset?
    package let restoration: Restoration?
    /// What the answer's head says besides, as its status asks for.
    package let fields: HTTPFields

    package init(
        _ code: Problem.Code, _ detail: String, head: Offset? = nil, restoration: Restoration? = nil,
        fields: HTTPFields = [:]
    ) {
        self.restoration = restoration
        self.fields = fields
        self.code = code
        self.detail = detail
        self.head = head
    }
}

extension ProblemError {
    /// The one table from what the core throws to what a client sees; `nil` for an unexpected error.
    init?(translating error: any Error) {
        switch error {
        case let error as ProblemError: self = error
        case let error as LogStoreError: self.init(error)
        case let error as ExecutionStoreError: self.init(error)
        case let error as StreamStart.InvalidStart: self.init(error)
        case let refusal as StreamRefusal: self.init(refusal)
        case is ByteBudget.Exhausted:
            self.init(.unavailable, "The server holds as much as it may. Nothing was taken; try again later.")
        case CommandRefusal.notSupported(let why): self.init(.notSupported, why)
        case CommandRefusal.invalid(let why): self.init(.invalidRequest, why)
        case AccessStoreError.unknownKey: self.init(.unknownKey, "There is no key with this id.")
        case AccessStoreError.lastAdministrator:
            self.init(.lastAdministrator, "This key is the only administrator's. Make another one first.")
        case AccessStoreError.duplicateKey: self.init(.internalError, "The key could not be made. Try again.")
        case let error as AppendSyntaxError: self.init(.invalidEvent, "Line \(error.line): \(error.cause.sentence)")
        case let error as HTTPParserError: self.init(error)
        default: return nil
        }
    }

    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(.headTooLarge, "The request's line or one of its header fields is too long.")
        default:
            self.init(.invalidRequest, "This can't be read as HTTP: \(String(reflecting: error)).")
        }
    }

    private init(_ error: LogStoreError) {
        switch error {
        case .unknownExecution:
            self.init(.unknownExecution, "There is no execution with this id.")
        case .otherIncarnation(let restoration, let head):
            self.init(
                .otherIncarnation,
                "The server's data were restored from a backup: what came after event \(restoration.base) is void. Go on after it.",
                head: head, restoration: restoration)
        case .ended(let head):
            self.init(.ended, "The log ended with event \(head); nothing can follow it.", head: head)
        case .outOfOrder(let head):
            self.init(
                .outOfOrder, "The log's head is \(head); the append follows one that it has not reached.", head: head)
        case .differentContent(let head):
            self.init(
                .differentContent,
                "The log, whose head is \(head), holds something else where these events belong; they were not taken.",
                head: head)
        case .logFull(let head):
            self.init(.logFull, "The log has reached its limit; only notices and the end are taken.", head: head)
        case .noSpace:
            self.init(.noSpace, "Nothing was stored. Try again when there is space.")
        case .damaged(let what):
            self.init(
                .dataDamaged,
                "\(what) is damaged where it is stored; `everyline doctor` (on AWS `everyline-aws doctor`) says where.")
        case .unavailable(let reason):
            self.init(.unavailable, "Nothing was acknowledged; the same request may be tried again: \(reason).")
        }
    }

    private init(_ refusal: StreamRefusal) {
        switch refusal {
        case .origin: self.init(.forbidden, "Streams may not be opened from a page of this origin.")
        case .token:
            self.init(.unauthorized, "The stream's URL has no token that is valid for this execution now.")
        case .tooManyUnderKey:
            self.init(.tooManyRequests, "There are too many viewers under this key. Try again later.")
        case .tooMany: self.init(.unavailable, "There are too many viewers. Try again later.")
        }
    }

    private init(_ error: StreamStart.InvalidStart) {
        switch error {
        case .offset: self.init(.invalidCursor, "after must be an offset: a non-negative integer.")
        case .timestamp: self.init(.invalidCursor, "last_seen_timestamp must be milliseconds since the epoch.")
        case .both: self.init(.invalidCursor, "Give after or last_seen_timestamp, not both.")
        case .beyondHead(let head):
            self.init(
                .invalidCursor, "The log's head is \(head); the offset lies beyond it.",
                head: head)
        }
    }

    private init(_ error: ExecutionStoreError) {
        switch error {
        case .unknownExecution:
            self.init(.unknownExecution, "There is no execution with this id.")
        case .idempotencyKeyReused:
            self.init(.idempotencyKeyReused, "This Idempotency-Key came with a different body before.")
        case .keyRevoked:
            self.init(.unauthorized, "The API key is not valid, or it was revoked.")
        case .unknownCursor:
            self.init(.invalidCursor, "The cursor names no execution.")
        }
    }
}

extension AppendSyntaxError.Cause {
    fileprivate var sentence: String {
        switch self {
        case .json(let column, let reason): "\(reason), at column \(column)."
        case .event(.unknownField(let name)): "unknown field \"\(name.prefix(64))\"."
        case .event(.duplicateField(let name)): "the field \"\(name.prefix(64))\" comes twice."
        case .event(.missingField(let name)): "the field \"\(name)\" is missing."
        case .event(.invalidValue(let field)): "the value of \"\(field)\" is not one that is allowed."
        case .event(.eventAfterEnd): "nothing may follow the end event."
        }
    }
}
