import Everyline
import EverylineTesting
import Testing

@testable import EverylineServer

@Suite("The logs that were open in a backup")
struct UnclaimedLogsTests {
    private let stores: InMemoryStores
    private let writer: LogWriter
    private let producers = ProducerPresence(now: Timestamp(milliseconds: 2000))
    private let id = Sample.id("e")

    init() {
        stores = InMemoryStores()
        writer = LogWriter(store: stores, feed: LogFeed(), now: { Timestamp(milliseconds: 6000) })
    }

    /// An execution with one line, as a backup has it that was put back.
    private func unclaimed(absence: Duration) async throws -> UnclaimedLogs {
        _ = try await stores.create(Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
        try await append("a", after: 0)
        let restored = RestoredLogs(since: Timestamp(milliseconds: 5000), bases: [id: Offset(1)])
        var limits = ServerConfiguration.Limits()
        limits.stopPatience.absence = absence
        let core = ServerCore(
            executions: stores, log: stores, access: stores, writer: writer, feed: LogFeed(), stopRequests: LogFeed(),
            engine: IdleEngine(), resources: ServerResources(limits), restored: restored,
            now: { Timestamp(milliseconds: 6000) })
        return UnclaimedLogs(restored, AbandonedExecutionReaper(core: core, producers: producers, limits: limits))
    }

    private func append(_ message: String, after head: UInt64) async throws {
        _ = try await stores.append(
            [LogAppend(Sample.body([message], after: head), to: id, after: Offset(head))], at: .epoch)
    }

    /// Looks once, while a writer writes what there is to write.
    private func look(_ logs: UnclaimedLogs) async throws -> Execution {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await writer.run() }
            try await logs.end()
            group.cancelAll()
        }
        return try await stores.execution(id)
    }

    @Test("end, and say since when and from where on they may lack events, if their producers don't come back")
    func silent() async throws {
        let execution = try await look(try await unclaimed(absence: .zero))
        #expect((execution.status, execution.reason) == (.failed, .producerLost))
        let block = try #require(try await stores.read(id, after: Offset(1), limit: 10_000).block)
        let events = try LogEvent.decode(lines: block.bytes)
        guard case .notice(NoticeCode.restored.rawValue, let message) = events[0].content else {
            Issue.record("\(events[0])")
            return
        }
        #expect(message.contains("1970-01-01T00:00:05") && message.contains("after event 1"))
    }

    @Test("end as stopped, if a stop had been asked for")
    func stopped() async throws {
        let logs = try await unclaimed(absence: .zero)
        _ = try await stores.requestStop(id, by: Sample.user("ann"), at: Timestamp(milliseconds: 5500))
        let execution = try await look(logs)
        #expect((execution.status, execution.reason) == (.stopped, .producerLost))
    }

    @Test("go on, if their producers have appended something")
    func claimed() async throws {
        let logs = try await unclaimed(absence: .zero)
        try await append("b", after: 1)
        #expect(try await look(logs).status == .running)
    }

    @Test("go on while their producers have time to come back, or ask whether to stop")
    func waiting() async throws {
        let logs = try await unclaimed(absence: .seconds(3600))
        #expect(try await look(logs).status == .running)
        let presence = producers.enter(id)
        #expect(try await look(logs).status == .running)
        presence.leave()
    }
}
