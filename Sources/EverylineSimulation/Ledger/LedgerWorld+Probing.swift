import Everyline
import EverylineAWS

// The watchdog of executions whose end was not reported: each request for one has its task probed.
extension LedgerWorld {
    func asked(about execution: Int) {
        // A younger one isn't probed.
        guard now > Self.probeInterval, world.mutation != .probe, !executions[execution].isEnded else { return }
        world.tell("a client asks whether \(executions[execution].id) still runs")
        let (board, id) = (board, executions[execution].id)
        begin(.asking) { functions in
            await functions.watch.probe(id)
            board.say(.done)
        }
    }

    /// Where no connected viewer pings, a client that isn't connected asks.
    func askAsStranger(about execution: Int) {
        guard !executions[execution].isEnded else { return }
        let isAskedFor = viewers.contains {
            $0.execution == execution && $0.encoding == .blocks && $0.isToBeServed && $0.phase != .finished
        }
        if !isAskedFor || world.mutation == .ping { asked(about: execution) }
        schedule(.ask(execution: execution), after: Self.probeInterval)
    }

    /// What ECS says of the execution's task.
    func task(of execution: Int) -> TaskState {
        let task = stoppedTask(execution)
        return TaskState(stream: task.stream, stopped: now >= executions[execution].stoppedAt ? task : nil)
    }

    func stoppedTask(_ execution: Int) -> StoppedTask {
        StoppedTask(
            stream: LogStreamName(group: "commands", name: executions[execution].id.rawValue),
            outcome: executions[execution].outcome,
            stoppedAt: Timestamp(milliseconds: World.epoch + executions[execution].stoppedAt))
    }
}
