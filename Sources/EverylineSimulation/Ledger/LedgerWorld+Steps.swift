import Everyline
import EverylineAWS

// How functions run, take their steps, and die.
extension LedgerWorld {
    /// Begins an invocation.
    func begin(_ work: SimulatedProcess.Work, _ body: @escaping @Sendable (WarmFunctions) async -> Void) {
        let process = SimulatedProcess(number: processes.count, work: work, at: now, skew: newSkew())
        processes.append(process)
        let (number, functions) = (process.number, functions)
        board.time = clock(of: process)
        Task(executorPreference: executor) { await FunctionBoard.$process.withValue(number) { await body(functions) } }
        goOn(process)
    }

    private func newSkew() -> Int64 {
        var skew = Int64(0)
        if world.random.chance(200) { skew = Int64(world.random.within(-800...800)) }
        if world.injects(.clockForward, 25) { skew += Int64(world.random.within(1000...90_000_000)) }
        if world.injects(.clockBackward, 25) { skew -= Int64(world.random.within(1000...90_000_000)) }
        return skew
    }

    func clock(of process: SimulatedProcess) -> Timestamp {
        Timestamp(milliseconds: World.epoch + now + process.skew)
    }

    /// Runs a process's tasks until they all wait again, or are through.
    private func goOn(_ process: SimulatedProcess) {
        executor.run()
        for entry in board.takeEntries() {
            let step = steps.count
            steps.append(SimulatedProcess.Step(process: process.number, call: entry.call, waiter: entry.waiter))
            process.steps.append(step)
            schedule(.effect(step: step), after: latency())
        }
        if let word = board.takeWord() { finish(process, word) }
    }

    /// The moment at which a step has its effect, if it has one.
    func effect(_ step: Int) {
        let (process, call) = (processes[steps[step].process], steps[step].call)
        guard process.isAlive else { return }
        if world.injects(.clockForward, 3) { process.skew += Int64(world.random.within(1000...90_000_000)) }
        if world.injects(.clockBackward, 3) { process.skew -= Int64(world.random.within(1000...90_000_000)) }
        if world.injects(.crashBeforeEffect, 8) { return crash(process) }
        if world.injects(.stepFailed, 12) {
            steps[step].answer = .failure(.unavailable("a port"))
        } else {
            let answer = carryOut(call, by: process)
            if world.violation != nil { return }
            if world.injects(.crashAfterEffect, 8) { return crash(process) }
            steps[step].answer = world.injects(.unknownOutcome, 6) ? .failure(.unavailable("a port")) : .success(answer)
        }
        schedule(.answer(step: step), after: latency())
    }

    /// The moment at which a function hears the outcome of its step.
    func answer(_ step: Int) {
        let process = processes[steps[step].process]
        guard process.isAlive, let answer = steps[step].answer else { return }
        process.steps.removeAll { $0 == step }
        board.time = clock(of: process)
        steps[step].waiter.resume(with: answer.mapError { $0 })
        goOn(process)
    }

    /// Lambda ends a function that takes longer than it may.
    func end(_ process: SimulatedProcess) {
        if process.isAlive { crash(process) }
    }

    private func crash(_ process: SimulatedProcess) {
        process.isAlive = false
        abandon(process)
        world.tell("worker \(process.number) crashes")
        // What its process kept in memory is gone.
        functions = WarmFunctions(on: board, settings: settings, probes: world.mutation != .probe)
        if case .connecting(let link) = process.work { refused(link, status: 502) }
    }

    /// Lets nothing of a process's tasks have an effect any more.
    func abandon(_ process: SimulatedProcess) {
        guard !process.steps.isEmpty else { return }
        board.markDead(process.number)
        for step in process.steps { steps[step].waiter.resume(throwing: ProcessGone()) }
        process.steps.removeAll()
        executor.run()
        while board.takeWord() != nil {}
    }

    private func finish(_ process: SimulatedProcess, _ word: FunctionBoard.Word) {
        switch word {
        case .settled(let failed):
            process.failed = failed
            schedule(.settle(process: process.number), after: latency())
        case .answered(let status):
            process.isAlive = false
            if case .connecting(let link) = process.work {
                integrated(link, status: status, within: now - process.began)
            }
        case .done:
            process.isAlive = false
        }
    }

    private func carryOut(_ call: FunctionBoard.Call, by process: SimulatedProcess) -> FunctionBoard.Answer {
        switch call {
        case .ledgerHead, .parked, .write, .head, .read, .offset, .readSource:
            carryOutOnLog(call, by: process)
        case .connect, .update, .connection, .viewers, .connections, .execution, .token:
            carryOutOnRecords(call, by: process)
        case .post(let message, let id): .posted(post(message, to: name(of: id), by: process))
        case .close(let id): close(name(of: id), by: process)
        case .notify(let ids, let execution): notify(ids.map(name(of:)), of: number(of: execution))
        case .reconcile(let message, let delay):
            send(message, after: delay.milliseconds)
        case .requeue(let record, let delay): requeue(record, after: delay.milliseconds, to: process)
        case .inspect(let id): .task(task(of: number(of: id)))
        }
    }

    func number(of execution: ExecutionID) -> Int {
        guard let number = executions.firstIndex(where: { $0.id == execution }) else {
            preconditionFailure("an unknown execution")
        }
        return number
    }

    func name(of id: ConnectionID) -> Int {
        guard let name = Int(id.rawValue) else { preconditionFailure("an unknown connection") }
        return name
    }
}
