package import Everyline
package import Logging
package import NIOCore

/// Gives lines their offsets: takes batches of the queue of logs' events.
///
///     logs-events.fifo ─► Sequencer ─► ledger, and rings every viewer of the execution
///                             └─► reconcile queue, where it leaves a hole behind
///
/// Within one batch an execution's messages that follow one another are appended as one: the busier a log, the more lines
/// share a transaction.
package struct SequencerFunction: LambdaHandler {
    private let sequencer: Sequencer
    private let comeBack: ComeBack
    private let setAside: SetAside
    private let bursts: BurstWatch
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// What must be left of an invocation for another group to be begun.
    private static let margin: Duration = .seconds(5)

    /// - Parameters:
    ///   - comeBack: lets a message be given out again soon.
    ///   - setAside: keeps a message that can't be read, where an alarm tells of it.
    package init(
        sequencer: Sequencer, comeBack: @escaping ComeBack, setAside: @escaping SetAside,
        bursts: BurstWatch, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.sequencer = sequencer
        self.comeBack = comeBack
        self.setAside = setAside
        self.bursts = bursts
        self.now = now
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(SQSEvent.self, from: invocation.payload)
        for record in event.records where record.attributes.receiveCount == 1 {
            if let sent = record.attributes.sentAt { bursts.note(record.attributes.group, sentAt: sent) }
        }
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
        case append([SourceEvent])
        case setAside(SQSEvent.Record)
    }

    /// What the next records want together, and how many those are.
    private func nextStep(in records: ArraySlice<SQSEvent.Record>) -> (Step, count: Int) {
        var events: [SourceEvent] = []
        var count = 0
        for record in records {
            do {
                events += try LogsMessage(body: record.body).events
            } catch {
                guard count == 0 else { break }
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
            do {
                try await sequencer.sequence(events, of: execution)
                return true
            } catch {
                logger.notice(
                    "A batch goes back", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
                return false
            }
        case .setAside(let record):
            return await isSetAside(record)
        }
    }

    /// A message that can't be read would never become readable. In its queue it would hold up its group until it is given up,
    /// and what is behind it would be given up with it. What lines it may have held, the reconciler reads.
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
