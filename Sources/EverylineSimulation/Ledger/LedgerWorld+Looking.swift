import Everyline

// The watchdog of executions whose end was not reported: each request for one has its task looked at.
extension LedgerWorld {
    func asked(about execution: Int) {
        // A younger one isn't looked at.
        if now > Self.lookInterval { look(at: execution) }
    }

    /// Has a look taken at the execution's task, once a minute at the most.
    func look(at execution: Int) {
        guard world.mutation != .look, !executions[execution].isEnded,
            now - executions[execution].lookedAt >= Self.lookInterval
        else { return }
        executions[execution].lookedAt = now
        world.tell("a client asks whether \(executions[execution].id) still runs")
        // ECS can't say it now; the next client that asks tries again.
        if now < executions[execution].stoppedAt || world.strikes(.stepFailed, 50) { return }
        send(.reconcile(isStopped: false, request: .init()), of: execution, after: 0)
    }

    /// Where no connected viewer pings, a client that isn't connected asks.
    func askAsStranger(about execution: Int) {
        guard !executions[execution].isEnded else { return }
        let isAskedFor = viewers.contains {
            $0.execution == execution && $0.form == .blocks && $0.isToBeServed && $0.phase != .finished
        }
        if !isAskedFor || world.mutation == .ping { look(at: execution) }
        schedule(.ask(execution: execution), after: Self.lookInterval)
    }
}
