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
        case .deliver(.finish(let outcome)): return finishTurn(process, outcome)
        case .receive(.finish): process.isAlive = false
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
        if world.strikes(.stepFailed, 12) {
            process.answer = step.failure
        } else {
            let answer = carryOut(step, by: process)
            if world.violation != nil { return }
            if world.strikes(.crashAfterEffect, 8) { return crash(process) }
            process.answer = world.strikes(.unknownOutcome, 6) ? step.failure : answer
        }
        schedule(.answer(process: process.number), after: latency())
    }

    private func crash(_ process: SimulatedProcess) {
        process.isAlive = false
        abandon(process)
        world.tell("worker \(process.number) crashes")
    }

    /// The moment at which a worker hears what became of its step.
    func answer(_ process: SimulatedProcess) {
        guard process.isAlive, let work = process.work, let answer = process.answer else { return }
        process.answer = nil
        process.work = nil
        switch (work, answer) {
        case (.waiting(let continuation), .call(let result)):
            board.time = clock(of: process)
            continuation.resume(with: result.mapError { $0 })
            goOn(process)
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
        case .call(let call): .call(.success(carryOut(call, by: process)))
        case .deliver(let action): .deliver(deliver(action, by: process))
        case .receive(let action): .receive(receive(action, by: process))
        }
    }
}

extension SimulatedProcess.Step {
    fileprivate var failure: SimulatedProcess.Answer {
        switch self {
        case .call: .call(.failure(.unavailable("a port")))
        case .deliver: .deliver(.failed)
        case .receive: .receive(.failed)
        }
    }
}
