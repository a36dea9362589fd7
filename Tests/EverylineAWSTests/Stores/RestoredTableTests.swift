import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineAWS

@Suite("A table that was put back", .enabled(if: Emulator.endpoint != nil))
struct RestoredTableTests {
    private let now: @Sendable () -> Timestamp = { Emulator.now }

    private func log(_ table: DynamoDBTable) -> DynamoDBLogStore {
        DynamoDBLogStore(table, logLimit: .gibibytes(4), now: now)
    }

    @Test("has one incarnation, whichever function asks for it first")
    func first() async throws {
        let table = try await Emulator.makeTable()
        let stores = (0..<4).map { _ in log(table) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for store in stores { group.addTask { try await store.learnIncarnation() } }
            try await group.waitForAll()
        }
        #expect(stores[0].incarnation != nil && Set(stores.map(\.incarnation)).count == 1)
    }

    @Test(
        "says so in the log of each task that is open, as the first event of the new incarnation, and lets the lines come again by their numbers"
    )
    func tasks() async throws {
        let table = try await Emulator.makeTable()
        let executions = DynamoDBExecutionStore(table, retention: nil, now: now)
        let open = Sample.execution("open", producer: .runner)
        let ended = Sample.execution("ended", producer: .runner)
        for execution in [open, ended] {
            _ = try await executions.create(execution, appendToken: Sample.hash("t"), idempotency: nil)
        }
        let before = log(table)
        try await before.learnIncarnation()
        let known = try #require(before.incarnation)
        for (execution, end) in [(open, nil), (ended, Sample.success)] {
            let head = try await before.ledgerHead(of: execution.id)
            let change = Sample.ledgerChange(["1", "2"], at: head, end: end)
            #expect(try await before.write(change, to: execution.id, at: now()))
        }
        let next = try await before.ledgerHead(of: open.id).next
        let (incarnation, count) = try await RestoredTable(table, now: now).begin()
        #expect(count == 1 && incarnation != known)
        let after = log(table)
        #expect(try await after.restoration(of: open.id, since: known) == Restoration(to: incarnation, base: Offset(2)))
        #expect(try await after.restoration(of: ended.id, since: known) == nil)
        #expect(try await after.restoration(of: open.id, since: incarnation) == nil)
        let head = try await after.ledgerHead(of: open.id)
        #expect(head.log.offset == Offset(3) && head.next == next)
        let block = try #require(try await after.read(open.id, after: Offset(2), limit: .mebibytes(1)).block)
        let event = try #require(try LogEvent.decode(lines: block.bytes).first)
        guard case .notice(let code, let message) = event.content else {
            Issue.record("no notice: \(event)")
            return
        }
        #expect(code == "restored" && message.contains("after event 2"))
    }

    @Test("serves no viewer that it knows from before: each connects anew, and is told")
    func viewers() async throws {
        let table = try await Emulator.makeTable()
        let executions = DynamoDBExecutionStore(table, retention: nil, now: now)
        let connections = DynamoDBConnectionStore(table)
        _ = try await executions.create(Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
        let id = ConnectionID("c")
        let expiry = Emulator.now.milliseconds + 1000
        try await connections.connect(id, Sample.connection(expiresAt: expiry))
        #expect(try await connections.connections(of: Sample.id("e"), at: now()) == [id])
        _ = try await RestoredTable(table, now: now).begin()
        #expect(try await connections.connection(id, of: Sample.id("e"))?.isOpen == false)
    }

    @Test("begins one incarnation, also if the answer to its last write was lost")
    func lostAnswer() async throws {
        let http = StagedHTTP(Emulator.http)
        let table = try await Emulator.makeTable(http)
        let executions = DynamoDBExecutionStore(table, retention: nil, now: now)
        _ = try await executions.create(Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
        let before = log(table)
        try await before.learnIncarnation()
        let known = try #require(before.incarnation)
        http.lose("PutItem")
        let (incarnation, _) = try await RestoredTable(table, now: now).begin()
        let restoration = try #require(try await log(table).restoration(of: Sample.id("e"), since: known))
        #expect(restoration == Restoration(to: incarnation, base: .zero, count: 1))
    }

    @Test("takes no word of a restore that was cut off before it was noted")
    func cutOff() async throws {
        let table = try await Emulator.makeTable()
        let executions = DynamoDBExecutionStore(table, retention: nil, now: now)
        _ = try await executions.create(Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
        let before = log(table)
        try await before.learnIncarnation()
        let known = try #require(before.incarnation)
        _ = try await before.noteBase(of: Sample.id("e"), in: try #require(Incarnation("cutoff")))
        #expect(try await log(table).restoration(of: Sample.id("e"), since: known) == nil)
        let body = Sample.body(["a"], after: 0)
        _ = try await before.append([LogAppend(body, to: Sample.id("e"), after: .zero)], at: now())[0].get()
        let (incarnation, _) = try await RestoredTable(table, now: now).begin()
        let restoration = try await log(table).restoration(of: Sample.id("e"), since: known)
        #expect(restoration == Restoration(to: incarnation, base: Offset(1)))
    }
}
