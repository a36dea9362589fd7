import AsyncHTTPClient
import Everyline
import EverylineAWS
import EverylineServer
import Logging
import NIOPosix

/// Puts a function together: which adapters stand behind its ports.
///
///     api         ─► router ─► stores; RunTask, StopTask; looks at tasks ─► reconcile queue
///     ingest      ─► tasks' streams ─► logs-events.fifo
///     sequencer   ─► ledger, rings; holes ─► reconcile queue
///     reconciler  ─► CloudWatch, DescribeTasks, ledger, rings
///     delivery    ─► connections, ledger ─► gateway
///     connection  ─► tokens, connections, rings; looks at tasks ─► reconcile queue
///     completion  ─► reconcile queue
struct Assembly: Sendable {
    let configuration: LambdaConfiguration
    let client: AWSClient
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// - Throws: ``ConfigurationError``.
    func function() throws -> AssembledFunction {
        if configuration.function == .api { return try api() }
        return AssembledFunction(handler: try handler())
    }

    private func handler() throws -> any LambdaHandler {
        switch configuration.function {
        case .api: preconditionFailure("the API is more than a handler")
        case .ingest:
            IngestFunction(tasks: DynamoDBTaskStore(try table), queue: try logsQueue, logger: logger)
        case .sequencer: try sequencer()
        case .reconciler: try reconciler()
        case .delivery:
            DeliveryFunction(
                worker: DeliveryWorker(
                    log: try log, connections: try connections, gateway: try gateway,
                    settings: try configuration.delivery, now: now),
                doorbell: try doorbell, comeBack: comeBack(try deliveries), logger: logger)
        case .connection: try connection()
        case .completion:
            CompletionFunction(queue: try reconcileQueue, stream: try stream, logger: logger)
        }
    }

    private func connection() throws -> any LambdaHandler {
        let watch = try watch
        return ConnectionFunction(
            worker: ReceptionWorker(
                log: try log, connections: try connections, doorbell: try doorbell, gateway: try gateway,
                look: { await watch.look(at: $0) }, lease: try configuration.delivery.lease, now: now),
            access: DynamoDBAccessStore(try table), log: try log, connections: try connections,
            limit: try configuration.connectionsPerKey, origins: PageOrigins(try configuration.origins), now: now,
            logger: logger)
    }

    private func sequencer() throws -> any LambdaHandler {
        let repairs = RepairRequests(
            queue: try reconcileQueue, delay: try configuration.repairDelay, logger: logger)
        return SequencerFunction(
            sequencer: Sequencer(
                ledger: try log, connections: try connections, doorbell: try doorbell,
                requestRepair: { try await repairs.request($0, $1) }, now: now),
            comeBack: comeBack(SQSQueue(try configuration.logsEventsQueueURL, client: client)),
            setAside: setAside(SQSQueue(try configuration.logsEventsDeadQueueURL, client: client)), now: now,
            logger: logger)
    }

    private func reconciler() throws -> any LambdaHandler {
        let logs = CloudWatchLogs(client)
        let executions = try executions
        let cluster = ECSCluster(try configuration.cluster, client: client)
        let inspection = TaskInspection(
            tasks: DynamoDBTaskStore(try table), describe: { try await cluster.describe([$0]).first },
            createdAt: { try await executions.execution($0).createdAt }, now: now)
        return ReconcilerFunction(
            reconciler: Reconciler(ledger: try log, connections: try connections, doorbell: try doorbell, now: now),
            source: { CloudWatchLogSource(logs, group: $0.group, stream: $0.name) },
            inspect: { try await inspection.inspect($0) }, queue: try reconcileQueue,
            pause: try configuration.reconcilePause,
            comeBack: comeBack(SQSQueue(try configuration.reconcileQueueURL, client: client)), logger: logger)
    }

    private func api() throws -> AssembledFunction {
        let access = StreamEndingAccessStore(
            DynamoDBAccessStore(try table), connections: try connections, gateway: try gateway)
        let executions = WatchingExecutionStore(try executions, watch: try watch, now: now)
        let ringing = RingingLogStore(
            try log, connections: try connections, doorbell: try doorbell, now: now, logger: logger)
        let (feed, stopRequests) = (LogFeed(), LogFeed())
        let logWriter = LogWriter(store: ringing, feed: feed, now: now)
        let commands = try commands
        let core = ServerCore(
            executions: executions,
            log: ringing, access: access, writer: logWriter, feed: feed, stopRequests: stopRequests,
            resources: ServerResources(Self.limits), now: now,
            check: { request in
                do { try commands.check(request) } catch let error as CommandsError {
                    throw APIError(.invalidRequest, "\(error).")
                }
            },
            start: { try await commands.start($0.request, as: $0.execution) },
            stop: { execution in
                guard execution.producer == .runner else { return }
                // No task and none to come: nobody else would ever end it.
                if try await !commands.stop(execution.id) {
                    let outcome = ExecutionOutcome(status: .stopped, exitCode: nil, reason: .runnerLost)
                    _ = try await logWriter.end(execution.id, outcome)
                }
            })
        let function = APIFunction(
            api: DirectAPI(
                core: core, streams: try configuration.streams, publicURL: configuration.publicURL,
                limits: Self.limits, logger: logger),
            access: access, now: now, logger: logger)
        return AssembledFunction(
            handler: function, background: [{ await logWriter.run() }, { await Self.tick(stopRequests) }])
    }

    /// Lets producers that wait for a request to stop look again, until it is cancelled.
    private static func tick(_ feed: LogFeed) async {
        // Another instance gets the request, and instances can't tell each other: this one has to look from time to time.
        while (try? await Task.sleep(for: .seconds(2))) != nil { feed.tick() }
    }

    /// A function takes 6 MiB and gives as much; what is JSON within JSON takes up to twice its size.
    private static var limits: ServerConfiguration.Limits {
        var limits = ServerConfiguration.Limits()
        limits.appendBody = .mebibytes(3)
        // A line of JSON's longest escapes fits into a frame.
        limits.line = LedgerLimits().line
        limits.logAnswer = .mebibytes(2)
        // Which producers are there, no one instance of a function knows.
        limits.absentProducer = nil
        limits.lostProducer = nil
        return limits
    }

    private var commands: ECSCommands {
        get throws {
            ECSCommands(
                cluster: ECSCluster(try configuration.cluster, client: client), placement: try configuration.placement,
                tasks: DynamoDBTaskStore(try table), stream: try stream)
        }
    }

    /// The log driver names a stream after its prefix, the container and the task.
    private var stream: @Sendable (ECSTask) -> LogStreamName {
        get throws {
            let (group, prefix) = (try configuration.logGroup, try configuration.logPrefix)
            return { LogStreamName(group: group, name: "\(prefix)/\(RunnerScript.container)/\($0.id)") }
        }
    }

    private func comeBack(_ queue: SQSQueue) -> ComeBack {
        { record, delay in
            // If it fails, the message comes back all the same, only later.
            try? await queue.changeVisibility(record.receiptHandle, timeout: delay)
        }
    }

    private func setAside(_ queue: SQSQueue) -> SetAside {
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

    private var doorbell: SQSDoorbell {
        get throws {
            SQSDoorbell(try deliveries) {
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
