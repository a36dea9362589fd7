/// Keeps the executions. What their logs hold is the business of a ``LogStore`` over the same data.
package protocol ExecutionStore: Sendable {
    /// Adds an execution with an empty log; durable when it returns.
    ///
    /// With an idempotency key that the same owner has used before, nothing is added and the earlier execution is
    /// returned with `isNew: false`.
    /// - Throws: ``ExecutionStoreError/idempotencyKeyReused`` if the key came with a different `fingerprint` before;
    ///   ``ExecutionStoreError/keyRevoked`` if the API key that asks for it was revoked. That is decided together, so
    ///   that who revokes a key finds all that was made with it.
    func create(
        _ execution: Execution, appendToken: SecretHash, idempotency: IdempotencyKey?
    ) async throws -> (execution: Execution, isNew: Bool)

    /// - Throws: ``ExecutionStoreError/unknownExecution``.
    func execution(_ id: ExecutionID) async throws -> Execution

    /// The hash of the token with which a producer may append to this execution.
    /// - Throws: ``ExecutionStoreError/unknownExecution``.
    func appendToken(of id: ExecutionID) async throws -> SecretHash

    /// Lists executions, the newest first. It holds fewer than the query's limit only if there are no more, or if they
    /// have used up its bytes; it holds at least one, if there is one.
    func list(_ query: ExecutionQuery) async throws -> [Execution]

    /// Moves a `STARTING` or `RUNNING` execution to `TERMINATING`; any other stays as it is. Idempotent: the first time
    /// stays, and the user who asked then.
    /// - Returns: the execution as it is now.
    /// - Throws: ``ExecutionStoreError/unknownExecution``.
    func requestStop(_ id: ExecutionID, by user: UserID, at now: Timestamp) async throws -> Execution

    /// Notes when the producers of these executions were heard of. What doesn't exist or has ended is passed over.
    func noteProducers(_ heard: [ExecutionID: Timestamp]) async throws
}

/// Which executions ``ExecutionStore/list(_:)`` gives.
package struct ExecutionQuery: Sendable {
    /// Any of these; all if empty.
    package var statuses: Set<ExecutionStatus>
    package var producer: Execution.Producer?
    package var limit: Int
    /// Behind the execution whose command uses this up, the list ends.
    package var bytes: ByteCount
    /// Only those that come after this one in the list (the last of the page before).
    package var after: ExecutionID?

    package init(
        statuses: Set<ExecutionStatus> = [], producer: Execution.Producer? = nil, limit: Int,
        bytes: ByteCount = .max, after: ExecutionID? = nil
    ) {
        self.statuses = statuses
        self.producer = producer
        self.limit = limit
        self.bytes = bytes
        self.after = after
    }

    /// A list while it is made.
    package struct Page {
        private let query: ExecutionQuery
        private var bytes: ByteCount = 0
        package private(set) var executions: [Execution] = []

        package init(_ query: ExecutionQuery) { self.query = query }

        /// Whether nothing may be added.
        package var isFull: Bool { executions.count >= query.limit || bytes >= query.bytes }

        /// - Returns: whether the list is full now.
        package mutating func add(_ execution: Execution) -> Bool {
            executions.append(execution)
            bytes += execution.commandBytes
            return isFull
        }
    }
}

/// What makes a repeated request the same request.
package struct IdempotencyKey: Sendable, Equatable {
    /// The longest key that is accepted, in bytes.
    package static let maximumLength = 255

    package let value: String
    /// A hash of the request's body: the same key with another body is an error, not a repetition.
    package let fingerprint: SecretHash

    /// A value that no other request has.
    package static func newValue() -> String {
        var generator = SystemGenerator()
        return (0..<2).map { _ in String(generator.next(), radix: 36) }.joined(separator: "-")
    }

    package init(value: String, fingerprint: SecretHash) {
        self.value = value
        self.fingerprint = fingerprint
    }
}

package enum ExecutionStoreError: Error, Equatable {
    case unknownExecution
    case idempotencyKeyReused
    case keyRevoked
    /// The list's cursor names no execution.
    case unknownCursor
}
