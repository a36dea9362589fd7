import Testing

@testable import EverylineServer

@Suite("A budget of bytes")
struct ByteBudgetTests {
    /// No request in a test gives up, unless the test is about that.
    private let budget = ByteBudget(limit: 100, patience: .seconds(3600))

    @Test("is taken by leases that grow, and given back when they are let go of")
    func leases() async throws {
        var lease: ByteBudget.Lease? = try await budget.lease(40)
        try await lease?.grow(by: 60)
        #expect(budget.used == 100)
        #expect(budget.leaseAtOnce(1) == nil)
        lease = nil
        #expect(budget.used == 0)
        #expect(budget.leaseAtOnce(100) != nil)
    }

    @Test("lets requests wait until there is enough, and serves them in their order")
    func order() async throws {
        var held: [ByteBudget.Lease] = [try await budget.lease(50), try await budget.lease(50)]
        let (served, isServed) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (count, bytes) in [(1, 60), (2, 10), (3, 30)] {
                group.addTask {
                    let lease = try await budget.lease(bytes)
                    isServed.yield(bytes)
                    withExtendedLifetime(lease) {}
                }
                while budget.waiting < count { await Task.yield() }
            }
            // There is room for the small ones, but they don't overtake the large one.
            held.removeLast()
            #expect(budget.waiting == 3 && budget.leaseAtOnce(1) == nil)
            held.removeLast()
            try await group.waitForAll()
        }
        isServed.finish()
        #expect(await served.reduce(into: []) { $0.append($1) }.sorted() == [10, 30, 60])
        #expect(budget.used == 0)
    }

    @Test("is waited for a bounded time, and a request that gives up lets those behind it go on")
    func patience() async throws {
        let budget = ByteBudget(limit: 100, patience: .milliseconds(20))
        let held = try await budget.lease(70)
        let lease = try await budget.lease(10)
        await #expect(throws: ByteBudget.Exhausted.self) { try await budget.lease(60) }
        await #expect(throws: ByteBudget.Exhausted.self) { try await lease.grow(by: 60) }
        #expect(budget.used == 80)
        try await lease.grow(by: 20)
        #expect(budget.used == 100 && budget.waiting == 0)
        withExtendedLifetime((held, lease)) {}
    }

    @Test("is not waited for where there will never be so much")
    func tooMuch() async throws {
        await #expect(throws: ByteBudget.Exhausted.self) { try await budget.lease(101) }
    }

    @Test("isn't waited for any longer by a request that is cancelled")
    func cancelled() async throws {
        let held = try await budget.lease(100)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await budget.lease(1) }
            while budget.waiting == 0 { await Task.yield() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(budget.waiting == 0 && budget.used == 100)
        withExtendedLifetime(held) {}
    }
}
