package import Everyline
package import Logging
package import NIOCore

/// Gives lines their offsets, and ends logs: takes batches of the queue of logs' events.
///
///     logs-events.fifo ─► Sequencer ─► ledger, and rings every viewer of the execution
///                             └─► ECS, where somebody asks whether a task still runs
///
/// Within one batch an execution's messages that follow one another are appended as one: the busier a log, the more lines
/// share a transaction.
package struct SequencerFunction: LambdaHandler {
    private let worker: SequencerWorker
    private let source: @Sendable (LogStreamName) -> any LogSource
    private let stopped: @Sendable (ExecutionID) async throws -> StoppedTask?
    private let comeBack: ComeBack
    private let setAside: SetAside
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// How long CloudWatch is given between two scans to show what it has taken.
    private static let pause: Duration = .seconds(3)
    /// What must be left of an invocation for another group to be begun.
    private static let margin: Duration = .seconds(5)

    /// - Parameters:
    ///   - source: reads one stream of CloudWatch.
    ///   - stopped: how an execution's task has ended; `nil` if it hasn't.
    ///   - comeBack: lets a message be given out again soon.
    ///   - setAside: keeps a message that can't be read, where an alarm tells of it.
    package init(
        worker: SequencerWorker, source: @escaping @Sendable (LogStreamName) -> any LogSource,
        stopped: @escaping @Sendable (ExecutionID) async throws -> StoppedTask?,
        comeBack: @escaping ComeBack, setAside: @escaping SetAside, clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.worker = worker
        self.source = source
        self.stopped = stopped
        self.comeBack = comeBack
        self.setAside = setAside
        self.clock = clock
        self.now = now
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(SQSEvent.self, from: invocation.payload)
        // A group's records follow one another in order; groups know nothing of each other.
        let failed = await withTaskGroup(of: [SQSEvent.Record].self) { tasks in
            for (group, records) in Dictionary(grouping: event.records, by: \.attributes.group) {
                tasks.addTask { await process(records, of: group, until: invocation.deadline) }
            }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
        for record in failed { await comeBack(record, .seconds(2)) }
        return try LambdaEvent.encode(SQSBatchResponse(unprocessed: failed.map(\.messageID)))
    }

    /// Carries out a group's records in order.
    ///
    /// - Returns: all from the first that could not be carried out: none behind it may be.
    private func process(
        _ records: [SQSEvent.Record], of group: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record] {
        var rest = records[...]
        guard let execution = ExecutionID(group) else {
            logger.error("A group is no execution", metadata: ["group": "\(group.prefix(64))"])
            while let record = rest.first, await isSetAside(record) { rest.removeFirst() }
            return Array(rest)
        }
        while !rest.isEmpty {
            guard now() + Self.margin < deadline else { break }
            let (step, count) = nextStep(in: rest)
            guard await carryOut(step, of: execution) else { break }
            rest = rest.dropFirst(count)
        }
        return Array(rest)
    }

    private enum Step {
        case append([CloudWatchLogs.Event])
        case end(StoppedTask)
        case look
        case setAside(SQSEvent.Record)
    }

    /// What the next records want together, and how many those are.
    private func nextStep(in records: ArraySlice<SQSEvent.Record>) -> (Step, count: Int) {
        var events: [CloudWatchLogs.Event] = []
        var count = 0
        for record in records {
            do {
                switch try LogsMessage(record.body) {
                case .lines(let lines):
                    events += lines
                case .stopped(let task):
                    return count == 0 ? (.end(task), 1) : (.append(events), count)
                case .look:
                    return count == 0 ? (.look, 1) : (.append(events), count)
                }
            } catch {
                guard count == 0 else { return (.append(events), count) }
                logger.error(
                    "A message can't be read", metadata: ["message": "\(record.messageID)", "error": "\(error)"])
                return (.setAside(record), 1)
            }
            count += 1
        }
        return (.append(events), count)
    }

    private func carryOut(_ step: Step, of execution: ExecutionID) async -> Bool {
        switch step {
        case .append(let events):
            let outcome = await worker.sequence(events.map { SourceEvent($0) }, of: execution)
            if outcome == .retry { logger.notice("A batch goes back", metadata: ["execution_id": "\(execution)"]) }
            return outcome == .done
        case .end(let task):
            return await end(execution, task)
        case .look:
            return await look(at: execution)
        case .setAside(let record):
            return await isSetAside(record)
        }
    }

    private func end(_ execution: ExecutionID, _ task: StoppedTask) async -> Bool {
        let clock = clock
        let outcome = await worker.drain(
            execution, outcome: task.outcome, stoppedAt: task.stoppedAt, from: source(task.stream)
        ) {
            // Cancelled or not, the drain ends by its own rules.
            try? await clock.sleep(for: Self.pause)
        }
        if outcome == .retry { logger.notice("A drain goes back", metadata: ["execution_id": "\(execution)"]) }
        return outcome == .done
    }

    /// Ends the log of an execution whose task has stopped without a word. A look that fails is over, since whoever asks next has
    /// another one taken; it must not hold up lines.
    private func look(at execution: ExecutionID) async -> Bool {
        do {
            guard let task = try await stopped(execution) else { return true }
            return await end(execution, task)
        } catch {
            logger.notice("A look at a task failed", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
            return true
        }
    }

    /// A message that can't be read would never become readable. In its queue it would hold up its group until it is given up,
    /// and what is behind it would be given up with it. What lines it may have held, the drain reads.
    private func isSetAside(_ record: SQSEvent.Record) async -> Bool {
        do {
            try await setAside(record)
            return true
        } catch {
            logger.error(
                "A message can't be set aside", metadata: ["message": "\(record.messageID)", "error": "\(error)"])
            return false
        }
    }
}

/// Puts a message among the dead letters. Doing it again does nothing more.
package typealias SetAside = @Sendable (_ record: SQSEvent.Record) async throws -> Void

/// Lets a message that goes back to its queue be given out again after a while, instead of after its visibility timeout.
/// That it may fail changes only how long the message takes.
package typealias ComeBack = @Sendable (_ record: SQSEvent.Record, _ delay: Duration) async -> Void
