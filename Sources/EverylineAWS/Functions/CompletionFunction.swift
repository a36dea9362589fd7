package import Everyline
package import Logging
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Hears from EventBridge that a task has stopped, and has its log reconciled: that ends one whose script could not.
///
///     EventBridge ─► Completion ─► reconcile queue ─► Reconciler
///
/// It ends nothing itself: lines may still be on their way.
package struct CompletionFunction: LambdaHandler {
    private let queue: any ReconcileQueue
    private let stream: @Sendable (_ taskID: String) -> LogStreamName
    private let logger: Logger

    /// In which the last lines come by themselves.
    private static let delay: Duration = .seconds(5)

    /// - Parameter stream: where a task's output is.
    package init(
        queue: any ReconcileQueue, stream: @escaping @Sendable (_ taskID: String) -> LogStreamName, logger: Logger
    ) {
        self.queue = queue
        self.stream = stream
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(ECSTaskStateChangeEvent.self, from: invocation.payload)
        let task = event.detail
        guard task.lastStatus == "STOPPED" else { return .null }
        guard let execution = task.startedBy.flatMap({ ExecutionID($0) }) else {
            logger.notice("A task that is no execution's has stopped", metadata: ["task": "\(task.id)"])
            return .null
        }
        let stopped = StoppedTask(
            stream: stream(task.id), outcome: task.outcome, stoppedAt: Timestamp(rfc3339: event.time) ?? .epoch,
            reason: task.startFailure)
        try await queue.send(ReconcileMessage(.stopped(stopped), of: execution), after: Self.delay)
        return .null
    }
}

extension ECSTask {
    /// How the execution that the task carried has ended.
    package var outcome: ExecutionOutcome {
        let exitCode = containers?.first { $0.name == RunnerScript.container }?.exitCode
        switch (stopCode, exitCode) {
        case ("UserInitiated", _):
            return ExecutionOutcome(status: .stopped, exitCode: exitCode, reason: .stopRequested)
        case ("TaskFailedToStart", _):
            return ExecutionOutcome(status: .failed, exitCode: exitCode ?? 126, reason: .notStarted)
        case (_, 0?):
            return ExecutionOutcome(status: .succeeded, exitCode: 0)
        case (_, RunnerScript.timedOut?):
            return ExecutionOutcome(status: .failed, exitCode: RunnerScript.timedOut, reason: .timedOut)
        case (_, let exitCode?):
            return ExecutionOutcome(status: .failed, exitCode: exitCode)
        case (_, nil):
            // The platform took the task away: interrupted, out of memory before it said so, its host gone.
            return ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
        }
    }
}

extension ECSTask {
    /// Why the task never ran its command, in AWS's words: an image that can't be pulled, no capacity; `nil` if it did.
    package var startFailure: String? {
        guard stopCode == "TaskFailedToStart" else { return nil }
        let container = containers?.first { $0.name == RunnerScript.container }?.reason
        let reasons = [stoppedReason, container].compactMap(\.self).filter { !$0.isEmpty }
        let text = reasons.isEmpty ? "ECS gives no reason" : reasons.joined(separator: " ")
        return "ECS could not start the command's task: " + text.oneLine(limit: Self.reasonLimit)
    }

    /// What a message of the queue of reconciling has room for, and a line of a log.
    private static let reasonLimit: ByteCount = .kibibytes(4)
}

extension String {
    /// The text without line breaks, cut at a character where it is longer than `limit` bytes.
    func oneLine(limit: ByteCount) -> String {
        var (kept, size) = (String(), 0)
        for character in self {
            size += character.utf8.count
            if size > limit { break }
            kept.append(character.isNewline ? " " : character)
        }
        return kept
    }
}

extension Timestamp {
    /// Reads a time such as `2026-11-24T07:00:00.123Z`, as events of AWS's carry it; `nil` for anything else.
    init?(rfc3339 text: String) {
        let withFractions = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? withFractions.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text)) else {
            return nil
        }
        self.init(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
    }
}
