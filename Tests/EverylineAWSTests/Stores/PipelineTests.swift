import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

/// The steps of the AWS form over the records in DynamoDB: two sequencers and two deliveries at a time, each in the
/// others' way.
@Suite("The steps over DynamoDB", .enabled(if: Emulator.endpoint != nil))
struct PipelineTests {
    private let execution = Sample.id("e")
    private let gateway = InMemoryGateway()
    private let notifier = InMemoryViewerNotifier()

    @Test("bring every line to every viewer once and in order, whatever is doubled, disordered, lost or raced for")
    func everyLine() async throws {
        let table = try await Emulator.makeTable()
        _ = try await DynamoDBExecutionStore(table, retention: nil, now: { Emulator.now }).create(
            Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
        let written = (1...400).map { Self.event($0, .line, "line \($0)") }
        let end = Self.event(401, .end(ScriptEnd(exitCode: 0)), "0")
        let viewers = (0..<3).map { ConnectionID("viewer-\($0)") }
        let early = try await connect(viewers[0], table)
        try await sequence(written, over: table)
        let late = try await connect(viewers[1], table)
        let source = InMemoryLogSource(written + [end], pageSize: 150)
        let reconciled = try await Reconciler(
            ledger: log(table), connections: DynamoDBConnectionStore(table), notifier: notifier, now: { Emulator.now }
        ).reconcile(execution, .init(), from: source, until: .maximum)
        #expect(reconciled == .done)
        let last = try await connect(viewers[2], table)
        for (viewer, session) in zip(viewers, [early, late, last]) {
            try await answerNotifications(over: table)
            let seen = try events(of: viewer, session)
            #expect(seen.map(\.offset) == (1...401).map { Offset($0) })
            #expect(seen.compactMap(\.message) == written.map(\.text))
            #expect(seen.last?.content == .end(Sample.success.verified(true)))
            #expect(!gateway.isOpen(viewer))
        }
    }

    private static func event(_ number: Int, _ kind: SourceEvent.Kind, _ text: String) -> SourceEvent {
        let time = Timestamp(milliseconds: Emulator.now.milliseconds + Int64(number / 7))
        return SourceEvent(UInt64(number), kind, text, at: time)
    }

    private func sequencer(_ table: DynamoDBTable) -> Sequencer {
        Sequencer(
            ledger: log(table), connections: DynamoDBConnectionStore(table), notifier: notifier,
            requestRepair: { _, _ in }, now: { Emulator.now })
    }

    private func log(_ table: DynamoDBTable) -> DynamoDBLogStore {
        DynamoDBLogStore(table, logLimit: .gibibytes(4), now: { Emulator.now })
    }

    /// The batches come twice and in any order, some never; whatever was refused comes again. Viewers follow meanwhile.
    private func sequence(_ events: [SourceEvent], over table: DynamoDBTable) async throws {
        let batches = stride(from: 0, to: events.count, by: 20).map { Array(events[$0..<$0 + 20]) }
        let coming = (batches.dropLast(3) + batches.dropFirst(5)).filter { $0 != batches[7] }.shuffled()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for half in [coming.prefix(coming.count / 2), coming.suffix(coming.count / 2)] {
                group.addTask {
                    let worker = sequencer(table)
                    for batch in half {
                        try await again { try await worker.sequence(batch, of: execution) }
                        try await answerNotifications(over: table)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Does what goes back to its queue again.
    private func again(_ work: () async throws -> Void) async throws {
        while true {
            do { return try await work() } catch is LogStoreError { continue }
        }
    }

    private func connect(_ id: ConnectionID, _ table: DynamoDBTable) async throws -> GatewaySession {
        let viewers = ViewerMessageHandler(
            log: log(table), connections: DynamoDBConnectionStore(table), notifier: notifier, gateway: gateway,
            probe: { _ in }, lease: .seconds(30), now: { Emulator.now })
        let connection = ViewerConnection(
            execution: execution, cursor: .zero, encoding: .blocks, key: "k", connectedAt: Emulator.now,
            expiresAt: Emulator.now + .seconds(7200))
        try await DynamoDBConnectionStore(table).connect(id, connection)
        gateway.open(id)
        var session = GatewaySession(of: execution, after: .zero)
        try await viewers.receive(session.open(), from: id)
        return session
    }

    /// Two workers race for each notification; one that has to come back does.
    private func answerNotifications(over table: DynamoDBTable) async throws {
        let sender = Sender(
            log: log(table), connections: DynamoDBConnectionStore(table), gateway: gateway,
            settings: DeliverySettings(frame: .kibibytes(4)), now: { Emulator.now })
        while case let notifications = notifier.take(), !notifications.isEmpty {
            for notification in notifications {
                let outcomes = await withTaskGroup(of: Sender.Outcome.self) { group in
                    for _ in 0..<2 {
                        let name = String(UInt64.random(in: 0 ... .max))
                        group.addTask {
                            await sender.send(to: notification.id, of: notification.execution, as: name)
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                if !outcomes.contains(where: { $0.notification == .delete }) {
                    try await notifier.notify([notification.id], of: notification.execution)
                }
            }
        }
    }

    /// What the viewer took for its own.
    private func events(of viewer: ConnectionID, _ session: GatewaySession) throws -> [LogEvent] {
        var session = session
        let lines = try gateway.received(by: viewer).flatMap { message in
            let finding = session.take(message)
            #expect(finding.answer == nil)
            return try finding.message.map(StreamLine.decode(message:)) ?? []
        }
        return lines.compactMap { line in
            guard case .event(let event) = line else { return nil }
            return event
        }
    }
}
