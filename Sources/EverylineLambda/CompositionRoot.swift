import AsyncHTTPClient
import Everyline
import EverylineAWS
import EverylineServer
import Logging
import NIOCore
import NIOPosix

/// Puts a function together: which adapters stand behind its ports.
///
///     api         ─► router ─► stores; RunTask, StopTask; probes tasks ─► reconcile queue
///     ingest      ─► tasks' streams ─► logs-events.fifo
///     sequencer   ─► ledger, notifications; holes ─► reconcile queue
///     reconciler  ─► CloudWatch, DescribeTasks, ledger, notifications
///     delivery    ─► connections, ledger ─► gateway
///     connection  ─► tokens, connections, notifications; probes tasks ─► reconcile queue
///     completion  ─► reconcile queue
struct CompositionRoot: Sendable {
    let configuration: LambdaConfiguration
    let client: AWSClient
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// - Throws: ``ConfigurationError``.
    func function() throws -> AssembledFunction {
        switch configuration.function {
        case .api: try api()
        case .reconciler: try reconciler()
        default: AssembledFunction(handler: try handler())
        }
    }

    private func handler() throws -> any LambdaHandler {
        switch configuration.function {
        case .api, .reconciler: preconditionFailure("more than a handler")
        case .ingest:
            IngestFunction(tasks: DynamoDBTaskStore(try table), queue: try logsQueue, logger: logger)
        case .sequencer: try sequencer()
        case .delivery:
            DeliveryFunction(
                sender: Sender(
                    log: try log, connections: try connections, gateway: try gateway,
                    settings: try configuration.delivery, now: now),
                notifier: try notifier, requeue: requeue(try deliveries), logger: logger)
        case .connection: try connection()
        case .completion:
            CompletionFunction(queue: try reconcileQueue, stream: try stream, logger: logger)
        }
    }

    private func connection() throws -> any LambdaHandler {
        let (watch, log) = (try watch, try log)
        let function = ConnectionFunction(
            viewers: ViewerMessageHandler(
                log: log, connections: try connections, notifier: try notifier, gateway: try gateway,
                probe: { await watch.probe($0) }, lease: try configuration.delivery.lease, now: now),
            admission: StreamAdmission(
                access: DynamoDBAccessStore(try table), log: log, origins: PageOrigins(try configuration.origins),
                now: now),
            log: log, connections: try connections, limit: try configuration.connectionsPerKey, now: now,
            logger: logger)
        return KnowingIncarnation(function, of: log)
    }

    private func sequencer() throws -> any LambdaHandler {
        let repairs = RepairRequests(
            queue: try reconcileQueue, delay: try configuration.repairDelay, logger: logger)
        return SequencerFunction(
            sequencer: Sequencer(
                ledger: try log, connections: try connections, notifier: try notifier,
                requestRepair: { try await repairs.request($0, $1) }, now: now),
            requeue: requeue(SQSQueue(try configuration.logsEventsQueueURL, client: client)),
            deadLetter: deadLetter(SQSQueue(try configuration.logsEventsDeadQueueURL, client: client)),
            bursts: BurstWatch(function: configuration.functionName, report: StandardError.write), now: now,
            logger: logger)
    }

    private func reconciler() throws -> AssembledFunction {
        let logs = CloudWatchLogs(client)
        let executions = try executions
        let cluster = ECSCluster(try configuration.cluster, client: client)
        let inspection = try inspection(executions)
        let (logWriter, stream) = (LogWriter(store: try notifying(try log), feed: LogFeed(), now: now), try stream)
        @Sendable func end(
            _ id: ExecutionID, _ outcome: ExecutionOutcome, _ notice: (code: NoticeCode, message: String)?
        ) async throws {
            _ = try await logWriter.end(id, outcome, notice: notice)
        }
        let stops = UnheededStops(executions: executions, patience: try configuration.stopPatience, now: now) {
            try await end($0, $1, $2)
        }
        let starts = LostStarts(
            executions: executions, tasks: DynamoDBTaskStore(try table),
            find: { execution in
                try await cluster.task(startedBy: execution.rawValue).map {
                    ExecutionTask(arn: $0, stream: stream(ECSTask.id(ofARN: $0)))
                }
            }, now: now
        ) { try await end($0, $1, $2) }
        let function = ReconcilerFunction(
            reconciler: Reconciler(ledger: try log, connections: try connections, notifier: try notifier, now: now),
            source: { CloudWatchLogSource(logs, group: $0.group, stream: $0.name) },
            inspect: { try await inspection.inspect($0) },
            probeWithoutTask: { id in
                if let later = try await stops.probe(id) { return later }
                return try await starts.probe(id)
            }, queue: try reconcileQueue, pause: try configuration.reconcilePause,
            requeue: requeue(SQSQueue(try configuration.reconcileQueueURL, client: client)), logger: logger)
        return AssembledFunction(handler: function, background: [{ await logWriter.run() }])
    }

    private func api() throws -> AssembledFunction {
        let access = StreamEndingAccessStore(
            DynamoDBAccessStore(try table), connections: try connections, gateway: try gateway)
        let stored = try executions
        let executions = WatchingExecutionStore(stored, watch: try watch, now: now)
        let (log, feed) = (try log, LogFeed())
        let notifying = try notifying(log)
        let logWriter = LogWriter(store: notifying, feed: feed, now: now)
        let limits = try configuration.limits
        let core = ServerCore(
            executions: executions,
            log: notifying, access: access, writer: logWriter, feed: feed, stopRequests: LogFeed(),
            engine: try engine(stored), resources: ServerResources(limits), now: now)
        let function = APIFunction(
            api: DirectAPI(
                core: core, streams: try configuration.streams, publicURL: configuration.publicURL,
                limits: limits, logger: logger),
            access: access, now: now, logger: logger)
        return AssembledFunction(
            handler: KnowingIncarnation(function, of: log), background: [{ await logWriter.run() }])
    }

    private func notifying(_ log: DynamoDBLogStore) throws -> NotifyingLogStore<DynamoDBLogStore> {
        NotifyingLogStore(log, connections: try connections, notifier: try notifier, now: now, logger: logger)
    }

    private func engine(_ executions: DynamoDBExecutionStore) throws -> ECSEngine {
        let profiles = DynamoDBProfileStore(try table)
        return ECSEngine(
            region: configuration.region,
            commands: ECSCommands(
                cluster: ECSCluster(try configuration.cluster, client: client), placement: try configuration.placement,
                tasks: DynamoDBTaskStore(try table), profiles: { try await profiles.profile($0) }, stream: try stream),
            inspection: try inspection(executions), queue: try reconcileQueue, patience: try configuration.stopPatience)
    }

    private func inspection(_ executions: DynamoDBExecutionStore) throws -> TaskInspection {
        let cluster = ECSCluster(try configuration.cluster, client: client)
        return TaskInspection(
            tasks: DynamoDBTaskStore(try table), describe: { try await cluster.describe([$0]).first },
            stop: { try await cluster.stop($0, reason: "stop requested") },
            execution: { try await executions.execution($0) }, now: now)
    }

    /// The log driver names a stream after its prefix, the container and the task.
    private var stream: @Sendable (_ taskID: String) -> LogStreamName {
        get throws {
            let (group, prefix) = (try configuration.logGroup, try configuration.logPrefix)
            return { LogStreamName(group: group, name: "\(prefix)/\(RunnerScript.container)/\($0)") }
        }
    }

    private func requeue(_ queue: SQSQueue) -> Requeue {
        { record, delay in
            // If it fails, the message comes back all the same, only later.
            try? await queue.changeVisibility(record.receiptHandle, timeout: delay)
        }
    }

    private func deadLetter(_ queue: SQSQueue) -> DeadLetter {
        { record in
            try await queue.send(
                SQSQueue.Message(record.body, group: record.attributes.group, deduplicationID: record.messageID))
        }
    }

    private var table: DynamoDBTable { get throws { DynamoDBTable(try configuration.table, client: client) } }

    private var executions: DynamoDBExecutionStore {
        get throws { DynamoDBExecutionStore(try table, retention: try configuration.retention, now: now) }
    }

    private var log: DynamoDBLogStore {
        get throws { DynamoDBLogStore(try table, logLimit: LedgerLimits().log, now: now) }
    }

    private var connections: DynamoDBConnectionStore { get throws { DynamoDBConnectionStore(try table) } }
    private var gateway: APIGatewayConnections {
        get throws { APIGatewayConnections(try configuration.connections, client: client) }
    }
    private var deliveries: SQSQueue {
        get throws { SQSQueue(try configuration.deliveriesQueueURL, client: client) }
    }
    private var logsQueue: SQSLogsQueue {
        get throws { SQSLogsQueue(SQSQueue(try configuration.logsEventsQueueURL, client: client)) }
    }

    private var reconcileQueue: SQSReconcileQueue {
        get throws { SQSReconcileQueue(SQSQueue(try configuration.reconcileQueueURL, client: client)) }
    }

    private var watch: TaskWatch {
        get throws { TaskWatch(queue: try reconcileQueue, now: now, logger: logger) }
    }

    private var notifier: SQSViewerNotifier {
        get throws {
            SQSViewerNotifier(try deliveries) {
                var generator = SystemGenerator()
                return String(generator.next(), radix: 36) + "-" + String(generator.next(), radix: 36)
            }
        }
    }
}

/// A function, and what must run beside it for as long as its process does.
struct AssembledFunction: Sendable {
    let handler: any LambdaHandler
    var background: [@Sendable () async -> Void] = []
}

/// A function whose answers say the data's incarnation: it asks the table for it once.
private struct KnowingIncarnation: LambdaHandler {
    private let handler: any LambdaHandler
    private let log: DynamoDBLogStore

    init(_ handler: any LambdaHandler, of log: DynamoDBLogStore) {
        self.handler = handler
        self.log = log
    }

    func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        // Where the table can't be asked, what the function does with it fails, and says so.
        try? await log.learnIncarnation()
        return try await handler.handle(invocation)
    }
}
