import Testing

@testable import Everyline
@testable import EverylineServer

@Suite("The producers that were heard of")
struct ProducerPresenceTests {
    private let now = Timestamp(milliseconds: 1_000_000_000)

    /// An execution that was created after the server's start.
    private func execution(_ number: Int) throws -> Execution {
        Execution(
            id: try #require(ExecutionID("e\(number)")), command: ["true"], owner: try #require(UserID("ann")),
            producer: .external, createdAt: now)
    }

    @Test("are remembered however many they are: none is taken for lost because others were heard of after it")
    func many() throws {
        let producers = ProducerPresence(now: now)
        let executions = try (0..<100_000).map(execution)
        for execution in executions { producers.heard(execution.id) }
        #expect(executions.allSatisfy { producers.isPresent($0, within: .seconds(3600)) })
        #expect(!executions.contains { producers.isLost($0, after: .seconds(3600), at: now + .seconds(8 * 24 * 3600)) })
    }

    @Test("are forgotten with their executions' end")
    func forgotten() throws {
        let producers = ProducerPresence(now: now)
        let execution = try execution(1)
        producers.heard(execution.id)
        producers.forget(execution.id)
        #expect(!producers.isPresent(execution, within: .seconds(3600)))
    }

    @Test("are present for as long as they ask whether to stop, and noted in the store while they do")
    func asking() throws {
        let producers = ProducerPresence(now: now)
        let execution = try execution(1)
        let presence = producers.enter(execution.id)
        #expect(producers.isPresent(execution, within: .nanoseconds(1)))
        #expect(producers.news(after: .zero, at: now) == [execution.id: now])
        producers.noted([execution.id: now], after: .seconds(3600))
        #expect(producers.news(after: .seconds(3600), at: now).isEmpty)
        presence.leave()
        #expect(producers.isPresent(execution, within: .seconds(3600)))
    }
}
