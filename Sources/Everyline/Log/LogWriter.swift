import NIOCore
import Synchronization

/// The one way into a process's log store: gathers what all producers append while a commit runs, and commits it as
/// one.
///
/// There is no timer: an append that finds nothing going on is committed at once, and the busier it gets, the more
/// share a commit. No producer is answered, and nothing is announced to a tail, before the commit is durable.
package final class LogWriter: Sendable {
    private let store: any LogStore
    private let feed: LogFeed
    private let now: @Sendable () -> Timestamp
    private let limits: Limits
    private let executor: (any TaskExecutor)?
    private let state = Mutex(State())

    /// What a writer holds at the most.
    package struct Limits: Sendable {
        /// How much one transaction takes.
        package var batchBytes: ByteCount
        /// How much may wait for the next one. Beyond it an append is refused as ``LogStoreError/unavailable(_:)``.
        package var waitingBytes: ByteCount

        package init(batchBytes: ByteCount = .mebibytes(16), waitingBytes: ByteCount = .mebibytes(256)) {
            self.batchBytes = batchBytes
            self.waitingBytes = waitingBytes
        }
    }

    /// Is called with the outcome of an append.
    package typealias Answer = @Sendable (Result<Appended, any Error>) -> Void

    fileprivate struct State {
        var waiting: [Request] = []
        var waitingBytes = 0
        var idle: CheckedContinuation<Void, Never>?
        var isStopped = false
    }

    fileprivate struct Request: Sendable {
        let append: LogAppend
        let answer: Answer

        var size: ByteCount { append.body.block?.bytes.readableBytes ?? 0 }
    }

    /// - Parameters:
    ///   - executor: where it works: where the store does, so that a commit changes no thread.
    ///   - now: the wall clock.
    package init(
        store: any LogStore, feed: LogFeed, limits: Limits = Limits(), executor: (any TaskExecutor)? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.store = store
        self.feed = feed
        self.limits = limits
        self.executor = executor
        self.now = now
    }

    /// Appends and returns the outcome, once it is durable.
    ///
    /// - Parameter incarnation: the one that the producer knows; `nil` if it names none.
    /// - Throws: ``LogStoreError``. Whatever it is, the same append may be tried again without doing harm.
    package func append(
        _ body: AppendBody, to execution: ExecutionID, after head: Offset, in incarnation: Incarnation? = nil
    ) async throws -> Appended {
        try await withCheckedThrowingContinuation { continuation in
            append(LogAppend(body, to: execution, after: head, in: incarnation)) { continuation.resume(with: $0) }
        }
    }

    /// Appends, and gives the outcome once it is durable: where the writer works, or at once if it isn't taken.
    ///
    /// - Parameter answer: is called once, with a ``LogStoreError`` as ``append(_:to:after:in:)`` throws it. It must
    ///   not wait.
    package func append(_ append: LogAppend, answer: @escaping Answer) {
        let (refusal, idle) = state.withLock { state in
            state.add(Request(append: append, answer: answer), limit: limits.waitingBytes)
        }
        idle?.resume()
        if let refusal { answer(.failure(refusal)) }
    }

    /// How many appends wait for the next commit.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Appends the `end` event after whatever the head is by then; an execution that has ended stays as it is.
    ///
    /// - Parameter notice: what the log says right before its end, and the code of that.
    /// - Throws: ``LogStoreError``.
    package func end(
        _ execution: ExecutionID, _ outcome: ExecutionOutcome, notice: (code: NoticeCode, message: String)? = nil
    ) async throws -> LogHead {
        var head = try await store.head(of: execution)
        while !head.isEnded {
            var encoder = BlockEncoder(after: head.offset)
            let time = max(now(), head.latest)
            if let notice { encoder.appendNotice(code: notice.code.rawValue, message: notice.message, timestamp: time) }
            encoder.appendEnd(outcome, timestamp: time)
            let body = AppendBody(block: encoder.finish(), outcome: outcome)
            do {
                return try await append(body, to: execution, after: head.offset).head
            } catch LogStoreError.ended, LogStoreError.differentContent {
                // The producer's own end came first, or more of its lines: the log goes on.
            }
            head = try await store.head(of: execution)
        }
        return head
    }

    /// Commits until the task is cancelled; then answers what is still waiting and refuses everything after it.
    package func run() async {
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(executor) {
                while let batch = await nextBatch() { await commit(batch) }
            }
        } onCancel: {
            stop()
        }
    }

    private func stop() {
        let idle = state.withLock { state in
            state.isStopped = true
            return state.idle.take()
        }
        idle?.resume()
    }

    /// Waits for work; `nil` when the writer was stopped and nothing is left.
    private func nextBatch() async -> [Request]? {
        while true {
            let (batch, isStopped) = state.withLock { ($0.takeBatch(limit: limits.batchBytes), $0.isStopped) }
            if !batch.isEmpty { return batch }
            if isStopped { return nil }
            await withCheckedContinuation { idle in
                let hasWork = state.withLock { state in
                    if !state.waiting.isEmpty || state.isStopped { return true }
                    state.idle = idle
                    return false
                }
                if hasWork { idle.resume() }
            }
        }
    }

    private func commit(_ batch: [Request]) async {
        let results: [Result<Appended, LogStoreError>]
        do {
            results = try await store.append(batch.map(\.append), at: now())
        } catch {
            for request in batch {
                feed.invalidate(request.append.execution)
                request.answer(.failure(error))
            }
            return
        }
        for (request, result) in zip(batch, results) {
            announce(request.append.execution, result)
            request.answer(result.mapError { $0 })
        }
    }

    /// Tells the tails what was added: what the store says it added, never what the producer sent.
    private func announce(_ execution: ExecutionID, _ result: Result<Appended, LogStoreError>) {
        guard case .success(let appended) = result else { return }
        if let block = appended.block {
            feed.announce(block, in: execution)
        } else {
            feed.announceChange(of: execution)
        }
    }
}

extension LogWriter.State {
    fileprivate mutating func add(
        _ request: LogWriter.Request, limit: ByteCount
    ) -> (refusal: LogStoreError?, idle: CheckedContinuation<Void, Never>?) {
        if isStopped { return (.unavailable("the server is stopping"), nil) }
        if waitingBytes + request.size > limit { return (.unavailable("too much is waiting to be written"), nil) }
        waiting.append(request)
        waitingBytes += request.size
        return (nil, idle.take())
    }

    fileprivate mutating func takeBatch(limit: ByteCount) -> [LogWriter.Request] {
        var size = 0
        var count = 0
        while count < waiting.count, count == 0 || size + waiting[count].size <= limit {
            size += waiting[count].size
            count += 1
        }
        let batch = Array(waiting[..<count])
        waiting.removeFirst(count)
        waitingBytes -= size
        return batch
    }
}
