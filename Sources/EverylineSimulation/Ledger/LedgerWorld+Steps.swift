import Everyline

// How workers take their steps, and die.
extension LedgerWorld {
    func spawn(execution: Int, name: Int) -> SimulatedProcess {
        var skew = Int64(0)
        if world.random.chance(200) { skew = Int64(world.random.within(-800...800)) }
        if world.strikes(.clockForward, 25) { skew += Int64(world.random.within(1000...90_000_000)) }
        if world.strikes(.clockBackward, 25) { skew -= Int64(world.random.within(1000...90_000_000)) }
        let process = SimulatedProcess(number: processes.count, execution: execution, name: name, skew: skew)
        processes.append(process)
        return process
    }

    func clock(of process: SimulatedProcess) -> Timestamp {
        Timestamp(milliseconds: World.epoch + now + process.skew)
    }

    func plan(_ step: SimulatedProcess.Step, of process: SimulatedProcess) {
        switch step {
        case .sequence(.finish(let outcome)): return finishMessage(process, isDone: outcome == .done)
        case .drain(.finish(let outcome)): return finishMessage(process, isDone: outcome == .done)
        case .deliver(.finish(let outcome)): return finishTurn(process, outcome)
        case .receive(.finish): process.isAlive = false
        case .drain(.pause):
            process.step = step
            schedule(.effect(process: process.number), after: Self.pause)
        default:
            process.step = step
            schedule(.effect(process: process.number), after: latency())
        }
    }

    /// The moment at which a step has its effect, if it has one.
    func effect(_ process: SimulatedProcess) {
        guard process.isAlive, let step = process.step else { return }
        if world.strikes(.clockForward, 3) { process.skew += Int64(world.random.within(1000...90_000_000)) }
        if world.strikes(.clockBackward, 3) { process.skew -= Int64(world.random.within(1000...90_000_000)) }
        if world.strikes(.crashBeforeEffect, 8) { return crash(process) }
        if step.mayFail, world.strikes(.stepFailed, 12) {
            process.answer = step.failure
        } else {
            let answer = carryOut(step, by: process)
            if world.violation != nil { return }
            if world.strikes(.crashAfterEffect, 8) { return crash(process) }
            process.answer = step.mayFail && world.strikes(.unknownOutcome, 6) ? step.failure : answer
        }
        schedule(.answer(process: process.number), after: latency())
    }

    private func crash(_ process: SimulatedProcess) {
        process.isAlive = false
        process.work = nil
        world.tell("worker \(process.number) crashes")
    }

    /// The moment at which a worker hears what became of its step.
    func answer(_ process: SimulatedProcess) {
        guard process.isAlive, let work = process.work, let answer = process.answer else { return }
        process.answer = nil
        process.work = nil
        switch (work, answer) {
        case (.sequencing(var sequencer), .sequence(let input)):
            let action = sequencer.handle(input)
            process.work = .sequencing(sequencer)
            plan(.sequence(action), of: process)
        case (.draining(var drain), .drain(let input)):
            let action = drain.handle(input)
            process.work = .draining(drain)
            plan(.drain(action), of: process)
        case (.delivering(var delivery), .deliver(let input)):
            let isTimeUp = clock(of: process).milliseconds >= process.turnEnds
            let action = delivery.handle(input, isTimeUp: isTimeUp)
            process.work = .delivering(delivery)
            plan(.deliver(action), of: process)
        case (.receiving(var reception), .receive(let input)):
            let action = reception.handle(input)
            process.work = .receiving(reception)
            plan(.receive(action), of: process)
        default:
            preconditionFailure("an answer to another kind of work")
        }
    }

    private func carryOut(_ step: SimulatedProcess.Step, by process: SimulatedProcess) -> SimulatedProcess.Answer {
        switch step {
        case .sequence(let action): .sequence(sequence(action, by: process))
        case .drain(.sequence(let action)): .drain(.sequenced(sequence(action, by: process)))
        case .drain(.readSource(let position)): .drain(.source(readSource(position, by: process)))
        case .drain(.pause): .drain(.paused)
        case .deliver(let action): .deliver(deliver(action, by: process))
        case .receive(let action): .receive(receive(action, by: process))
        case .drain(.finish): preconditionFailure("the end of a drain is no step")
        }
    }
}

extension SimulatedProcess.Step {
    fileprivate var mayFail: Bool {
        if case .drain(.pause) = self { return false }
        return true
    }

    fileprivate var failure: SimulatedProcess.Answer {
        switch self {
        case .sequence: .sequence(.failed)
        case .drain(.sequence): .drain(.sequenced(.failed))
        case .drain: .drain(.failed)
        case .deliver: .deliver(.failed)
        case .receive: .receive(.failed)
        }
    }
}
