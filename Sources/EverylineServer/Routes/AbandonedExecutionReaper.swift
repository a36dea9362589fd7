import Everyline

/// Ends the logs whose producers, elsewhere, won't: because they are gone, or because they may not go on.
struct AbandonedExecutionReaper {
    let core: ServerCore
    let producers: ProducerPresence
    let limits: ServerConfiguration.Limits

    /// Why a log is ended without its producer.
    enum Cause {
        /// The key that registered the execution was revoked.
        case keyRevoked
        /// The client that asked for the stop wants no waiting.
        case forced
        /// The producer was asked to stop, and isn't heard of.
        case stopUnanswered
        /// The producer was asked to stop long ago, and goes on.
        case stopOverdue
        /// Nothing was heard of the producer for very long, or since a restore.
        case producerLost
    }

    /// Ends the execution if a stop was asked for and its producer won't end it, so that no viewer waits for ever.
    ///
    /// - Returns: the execution as it is then.
    func end(_ execution: Execution) async throws -> Execution {
        guard let cause = unheededStop(of: execution) else { return execution }
        return try await end(execution, because: cause)
    }

    /// Ends the execution's log at once; one that has ended stays as it is.
    func end(_ execution: Execution, because cause: Cause) async throws -> Execution {
        let restored = cause.isSilence ? core.restored?.notice(of: execution.id) : nil
        _ = try await core.writer.end(execution.id, cause.outcome, notice: restored ?? cause.notice)
        producers.forget(execution.id)
        core.resources.inputs.forget(execution.id)
        return try await core.executions.execution(execution.id)
    }

    /// Looks at all that are to stop.
    func endStopped() async throws {
        try await forEach([.terminating]) { _ = try await end($0) }
    }

    /// Looks at all that have not ended, once what was heard of their producers has been noted.
    func endLost() async throws {
        let now = core.now()
        if let limit = limits.lostProducer {
            let news = producers.news(after: Self.coarse(limit), at: now)
            if !news.isEmpty { try await core.executions.noteProducers(news) }
            producers.noted(news, after: Self.coarse(limit))
        }
        let revoked = Set(try await core.access.keys().filter { $0.revokedAt != nil }.map(\.id))
        try await forEach([.starting, .running, .terminating]) { execution in
            if let key = execution.key, revoked.contains(key) {
                _ = try await end(execution, because: .keyRevoked)
            } else if let limit = limits.lostProducer, producers.isLost(execution, after: limit, at: now) {
                _ = try await end(execution, because: .producerLost)
            }
        }
    }

    /// Ends all that were registered with this key.
    func endAll(of key: APIKey.ID) async throws {
        try await forEach([.starting, .running, .terminating]) { execution in
            if execution.key == key { _ = try await end(execution, because: .keyRevoked) }
        }
    }

    /// How old what is noted of a producer may be: a write for each producer every six hours, where it may be away for
    /// a week.
    static func coarse(_ limit: Duration) -> Duration { limit / 28 }

    private func unheededStop(of execution: Execution) -> Cause? {
        let verdict = limits.stopPatience.verdict(on: execution, at: core.now())
        if verdict == .nothing { return nil }
        // What this process hears by itself is newer than what the store knows.
        if producers.hearsAll, !producers.isPresent(execution, within: limits.stopPatience.absence) {
            return .stopUnanswered
        }
        switch verdict {
        case .overdue: return .stopOverdue
        case .unanswered where !producers.hearsAll: return .stopUnanswered
        case .nothing, .wait, .unanswered: return nil
        }
    }

    private func forEach(_ statuses: Set<ExecutionStatus>, _ body: (Execution) async throws -> Void) async throws {
        var after: ExecutionID?
        repeat {
            let page = try await core.executions.list(
                ExecutionQuery(
                    statuses: statuses, producer: .external, limit: Self.page, bytes: Self.bytes, after: after))
            for execution in page {
                do {
                    try await body(execution)
                } catch LogStoreError.damaged {
                    // It can't be ended, and holds up no other.
                }
            }
            after = page.last?.id
        } while after != nil
    }

    private static let page = 1000
    private static let bytes: ByteCount = .mebibytes(1)
}

extension AbandonedExecutionReaper.Cause {
    /// Whether the producer wasn't heard of.
    fileprivate var isSilence: Bool {
        switch self {
        case .stopUnanswered, .producerLost: true
        case .keyRevoked, .forced, .stopOverdue: false
        }
    }

    fileprivate var outcome: ExecutionOutcome {
        switch self {
        case .keyRevoked: ExecutionOutcome(status: .stopped, exitCode: nil, reason: .keyRevoked)
        case .forced, .stopOverdue: .stopOverdue
        case .stopUnanswered: .stopUnanswered
        case .producerLost: ExecutionOutcome(status: .failed, exitCode: nil, reason: .producerLost)
        }
    }

    fileprivate var notice: (code: NoticeCode, message: String)? {
        switch self {
        case .stopUnanswered: nil
        case .keyRevoked:
            (
                .keyRevoked,
                "The API key that registered this execution was revoked. What its command still writes isn't recorded."
            )
        case .forced:
            (.stopForced, "A forced stop ended this log at once. What its command still writes isn't recorded.")
        case .stopOverdue: StopPatience.overdueNotice
        case .producerLost:
            (.producerLost, "Nothing was heard of the producer for too long. What it still sends isn't recorded.")
        }
    }
}
