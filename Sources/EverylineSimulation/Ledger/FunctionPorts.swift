import Everyline
import EverylineAWS
import Logging
import NIOCore

/// What functions talk to: each call waits on the board.
struct FunctionPorts: Ledger, ConnectionStore, AccessStore, Gateway, ViewerNotifier, LogSource, ReconcileQueue {
    let board: FunctionBoard

    private func ask<Value>(
        _ call: FunctionBoard.Call, _ value: (FunctionBoard.Answer) -> Value?
    ) async throws -> Value {
        guard let answer = value(try await board.call(call)) else { preconditionFailure("the answer to another call") }
        return answer
    }

    // The ledger.

    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await ask(.ledgerHead(execution)) { if case .ledgerHead(let head) = $0 { head } else { nil } }
    }

    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        try await ask(.parked(execution, lines)) { if case .run(let run) = $0 { .some(run) } else { nil } }
    }

    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        try await ask(.write(execution, change)) { if case .written(let isWritten) = $0 { isWritten } else { nil } }
    }

    func head(of execution: ExecutionID) async throws -> LogHead {
        try await ask(.head(execution)) { if case .head(let head) = $0 { head } else { nil } }
    }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await ask(.read(execution, after: offset, limit: limit)) {
            if case .read(let read) = $0 { read } else { nil }
        }
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await ask(.offset(execution, before: time)) { if case .offset(let offset) = $0 { offset } else { nil } }
    }

    // Connections and tokens.

    func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        _ = try await board.call(.connect(id, connection))
    }

    func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? {
        try await ask(.update(id, execution, update), Self.connection)
    }

    func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await ask(.connection(id, execution), Self.connection)
    }

    private static func connection(_ answer: FunctionBoard.Answer) -> ViewerConnection?? {
        if case .connection(let connection) = answer { .some(connection) } else { nil }
    }

    func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        try await ask(.viewers(execution)) { if case .viewers(let viewers) = $0 { viewers } else { nil } }
    }

    func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace] {
        try await ask(.connections(key)) { if case .places(let places) = $0 { places } else { nil } }
    }

    func execution(of id: ConnectionID) async throws -> ExecutionID? {
        try await ask(.execution(id)) { if case .execution(let execution) = $0 { .some(execution) } else { nil } }
    }

    func streamToken(_ secret: String, for execution: ExecutionID, at now: Timestamp) async throws -> StreamToken? {
        try await ask(.token(secret, execution)) { if case .token(let token) = $0 { .some(token) } else { nil } }
    }

    // The gateway and the queues.

    func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult {
        // A step that fails leaves unknown whether the gateway took it.
        guard case .posted(let result)? = try? await board.call(.post(message, connection)) else { return .failed }
        return result
    }

    func close(_ connection: ConnectionID) async {
        // Where it fails, the gateway closes the connection when it is idle.
        _ = try? await board.call(.close(connection))
    }

    func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        _ = try await board.call(.notify(connections, execution))
    }

    func send(_ message: ReconcileMessage, after delay: Duration) async throws {
        _ = try await board.call(.reconcile(message, after: delay))
    }

    func requeue(_ record: SQSEvent.Record, after delay: Duration) async {
        // Where it fails, the message comes back after its visibility timeout.
        _ = try? await board.call(.requeue(record, after: delay))
    }

    // The platform.

    func read(
        _ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?
    ) async throws -> SourcePage {
        try await ask(.readSource(execution, from: start, at: position)) {
            if case .page(let page) = $0 { page } else { nil }
        }
    }

    func inspect(_ execution: ExecutionID) async throws -> TaskState {
        try await ask(.inspect(execution)) { if case .task(let task) = $0 { task } else { nil } }
    }

    // What no function here asks for.
    func add(_ key: APIKey) async throws { unused() }
    func keys() async throws -> [APIKey] { unused() }
    func key(_ hash: SecretHash) async throws -> APIKey? { unused() }
    func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws { unused() }
    func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret { unused() }

    private func unused() -> Never { preconditionFailure("no function here asks for this") }
}

/// The functions that ship, warm: what they keep from one invocation to the next is kept until one of them crashes.
struct WarmFunctions: Sendable {
    let sequencer: SequencerFunction
    let reconciler: ReconcilerFunction
    let delivery: DeliveryFunction
    let connection: ConnectionFunction
    let watch: TaskWatch

    init(on board: FunctionBoard, settings: LedgerSettings, probes: Bool) {
        let ports = FunctionPorts(board: board)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let now: @Sendable () -> Timestamp = { board.time }
        let requeue: Requeue = { await ports.requeue($0, after: $1) }
        let repairs = RepairRequests(queue: ports, delay: .seconds(20), logger: logger)
        sequencer = SequencerFunction(
            sequencer: Sequencer(
                ledger: ports, connections: ports, notifier: ports, limits: settings.limits,
                requestRepair: { try await repairs.request($0, $1) }, now: now),
            read: { try board.events(of: $0) }, requeue: requeue,
            deadLetter: { _ in preconditionFailure("each message can be read") },
            bursts: BurstWatch(function: "sequencer") { _ in }, now: now, logger: logger)
        reconciler = ReconcilerFunction(
            reconciler: Reconciler(
                ledger: ports, connections: ports, notifier: ports, limits: settings.limits,
                margin: LedgerWorld.margin, now: now),
            source: { _ in ports }, inspect: { try await ports.inspect($0) }, probeWithoutTask: { _ in nil },
            queue: ports, pause: .milliseconds(LedgerWorld.pause), requeue: requeue, logger: logger)
        let lease = LedgerWorld.lease
        delivery = DeliveryFunction(
            sender: Sender(
                log: ports, connections: ports, gateway: ports,
                settings: DeliverySettings(
                    lease: lease, blocks: settings.pass, frame: settings.frame + GatewayFrame.maximumOverhead), now: now
            ),
            notifier: ports, requeue: requeue, logger: logger)
        let watch = TaskWatch(queue: ports, now: now, logger: logger)
        self.watch = watch
        connection = ConnectionFunction(
            viewers: ViewerMessageHandler(
                log: ports, connections: ports, notifier: ports, gateway: ports,
                probe: { if probes { await watch.probe($0) } }, lease: lease, now: now),
            admission: StreamAdmission(access: ports, log: ports, origins: PageOrigins([String]()), now: now),
            log: ports, connections: ports, limit: 1000, now: now, logger: logger)
    }
}
