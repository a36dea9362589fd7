package import Everyline
package import Hummingbird
import Logging
import NIOCore

/// One request on its way through the middleware and the routes.
package struct EverylineContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The client's own `X-Request-ID` where that is harmless, else a new one.
    package var requestID = ""
    private let channel: (any Channel)?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A request that came over no connection of this process's.
    ///
    /// - Parameter id: what the caller that brought it calls it.
    init(id: String, logger: Logger) {
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .string(id)
        coreContext = .init(source: DirectSource(logger: logger))
        channel = nil
    }

    private struct DirectSource: RequestContextSource {
        let logger: Logger
    }

    /// Waits until the client has taken what was written, but for a little that waits for every client.
    ///
    /// - Parameters:
    ///   - bytes: how many are held meanwhile.
    ///   - budget: counts them, and may have the connection closed for them.
    /// - Throws: if the connection ends.
    func whenTaken(_ bytes: ByteCount, countedIn budget: UnreadBudget) async throws {
        guard let channel, !channel.isWritable else { return }
        let waiting = budget.hold(bytes) { channel.close(promise: nil) }
        defer { waiting.release() }
        let taken = channel.eventLoop.flatSubmit {
            do {
                return try channel.pipeline.syncOperations.handler(type: StalledResponseHandler.self).whenWritable()
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }
        // A server that stops doesn't wait for a client that doesn't read.
        try await withTaskCancellationHandler {
            try await taken.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Does `work` on the connection's event loop once the time has passed, unless what this returns is cancelled
    /// before.
    ///
    /// - Returns: `nil` for a request that was handed over whole, as a function gets it.
    func schedule(after time: Duration, _ work: @escaping @Sendable () -> Void) -> Scheduled<Void>? {
        channel?.eventLoop.scheduleTask(in: TimeAmount(time), work)
    }

    /// Waits on the connection's event loop, if there is one: its timers cost less than the system's.
    ///
    /// - Throws: if the task is cancelled.
    package func sleep(for time: Duration) async throws {
        // A request that was handed over whole, as a function gets it, has no event loop to count the time on.
        guard let timer = schedule(after: time, {}) else { return try await Task.sleep(for: time) }
        try await withTaskCancellationHandler {
            try await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }

    /// The execution that the path names.
    ///
    /// - Throws: the same error as for an execution that doesn't exist, if it can't be an id.
    package func executionID() throws -> ExecutionID {
        guard let text = parameters.get("id"), let id = ExecutionID(text) else {
            throw ProblemError(.unknownExecution, "There is no execution with this id.")
        }
        return id
    }
}
