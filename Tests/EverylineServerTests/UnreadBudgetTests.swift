import Synchronization
import Testing

@testable import EverylineServer

@Suite("The budget of what clients have to read")
struct UnreadBudgetTests {
    private let budget = UnreadBudget(limit: 100)
    private let closed = Closed()

    private final class Closed: Sendable {
        let names = Mutex<[String]>([])
    }

    private func hold(_ bytes: Int, _ name: String) -> UnreadBudget.Waiting {
        budget.hold(bytes) { [closed] in closed.names.withLock { $0.append(name) } }
    }

    @Test("closes no client up to its limit")
    func room() throws {
        let waiting = [hold(60, "a"), hold(40, "b")]
        #expect(closed.names.withLock(\.self).isEmpty && budget.total == 100)
        try budget.requireRoom()
        withExtendedLifetime(waiting) {}
        waiting[0].release()
        waiting[0].release()
        #expect(budget.total == 40)
    }

    @Test("closes the clients that have waited longest, each once, and as many as it takes")
    func longest() {
        var waiting = [hold(30, "a"), hold(30, "b"), hold(30, "c")]
        waiting.append(hold(70, "d"))
        #expect(closed.names.withLock(\.self) == ["a", "b"])
        waiting.append(hold(10, "e"))
        #expect(closed.names.withLock(\.self) == ["a", "b", "c"])
    }

    @Test("closes a client that exceeds it alone")
    func alone() {
        let waiting = hold(101, "a")
        #expect(closed.names.withLock(\.self) == ["a"])
        withExtendedLifetime(waiting) {}
    }

    @Test("has no room for another stream until those that were closed are gone")
    func leaving() throws {
        var waiting = [hold(90, "a"), hold(90, "b")]
        #expect(throws: ProblemError.self) { try budget.requireRoom() }
        waiting.removeFirst()
        try budget.requireRoom()
        #expect(budget.total == 90 && closed.names.withLock(\.self) == ["a"])
    }

    @Test("counts nothing of clients that have gone, however many come while one waits")
    func many() throws {
        let first = hold(1, "first")
        for _ in 0..<1000 { hold(50, "other").release() }
        #expect(budget.total == 1 && budget.remembered < 200)
        let last = hold(100, "last")
        #expect(closed.names.withLock(\.self) == ["first"])
        withExtendedLifetime((first, last)) {}
    }
}
