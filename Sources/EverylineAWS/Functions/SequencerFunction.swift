package import Everyline
package import Logging

/// Gives lines their offsets: takes batches of the queue of logs' events.
///
///     logs-events.fifo ─► Sequencer ─► ledger, and notifies every viewer of the execution
///                             └─► reconcile queue, where it leaves a hole behind
///
/// Within one batch an execution's messages that follow one another are appended as one: the busier a log, the more
/// lines share a transaction.
package struct SequencerFunction: QueueHandler {
    private let sequencer: Sequencer
    private let read: @Sendable (_ body: String) throws -> [SourceEvent]
    private let requeue: Requeue
    private let deadLetter: DeadLetter
    private let bursts: BurstWatch
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// What must be left of an invocation for another group to be begun.
    private static let margin: Duration = .seconds(5)

    /// - Parameters:
    ///   - read: gives the events that stand in a message; throws for one that can't be read.
    ///   - requeue: has a message given out again soon.
    ///   - deadLetter: keeps a message that can't be read, where an alarm tells of it.
    package init(
        sequencer: Sequencer, read: @escaping @Sendable (_ body: String) throws -> [SourceEvent] = Self.events,
        requeue: @escaping Requeue, deadLetter: @escaping DeadLetter,
        bursts: BurstWatch, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.sequencer = sequencer
        self.read = read
        self.requeue = requeue
        self.deadLetter = deadLetter
        self.bursts = bursts
        self.now = now
        self.logger = logger
    }

    /// What stands in a message of the queue of logs' events.
    package static let events: @Sendable (_ body: String) throws -> [SourceEvent] = { try LogsMessage(body: $0).events }

    package func process(
        _ records: [SQSEvent.Record], in invocation: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record] {
        for record in records where record.attributes.receiveCount == 1 {
            if let sent = record.attributes.sentAt { bursts.note(record.attributes.group, sentAt: sent) }
        }
        let failed = await forEachGroup(of: records) { await process($1, of: $0, until: deadline) }
        for record in failed { await requeue(record, .seconds(2)) }
        return failed
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
            while let record = rest.first, await isDeadLettered(record) { rest.removeFirst() }
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
        case append([SourceEvent])
        case deadLetter(SQSEvent.Record)
    }

    /// What the next records want together, and how many those are.
    private func nextStep(in records: ArraySlice<SQSEvent.Record>) -> (Step, count: Int) {
        var events: [SourceEvent] = []
        var count = 0
        for record in records {
            do {
                events += try read(record.body)
            } catch {
                guard count == 0 else { break }
                logger.error(
                    "A message can't be read", metadata: ["message": "\(record.messageID)", "error": "\(error)"])
                return (.deadLetter(record), 1)
            }
            count += 1
        }
        return (.append(events), count)
    }

    private func carryOut(_ step: Step, of execution: ExecutionID) async -> Bool {
        switch step {
        case .append(let events):
            do {
                try await sequencer.sequence(events, of: execution)
                return true
            } catch {
                logger.notice(
                    "A batch goes back", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
                return false
            }
        case .deadLetter(let record):
            return await isDeadLettered(record)
        }
    }

    /// A message that can't be read would never become readable. In its queue it would hold up its group until it is
    /// given up, and what is behind it would be given up with it. What lines it may have held, the reconciler reads.
    private func isDeadLettered(_ record: SQSEvent.Record) async -> Bool {
        do {
            try await deadLetter(record)
            return true
        } catch {
            logger.error(
                "A message can't be put among the dead letters",
                metadata: ["message": "\(record.messageID)", "error": "\(error)"])
            return false
        }
    }
}

/// Puts a message among the dead letters. Doing it again does nothing more.
package typealias DeadLetter = @Sendable (_ record: SQSEvent.Record) async throws -> Void
