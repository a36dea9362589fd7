import Everyline

// What brings lines to the sequencer, and rings to the senders.
extension LedgerWorld {
    func ingest(_ batch: Int) {
        let (execution, events) = batches[batch]
        world.tell("batch \(batch) of \(executions[execution].id): \(events.map(\.id).joined(separator: " "))")
        logs.add(.lines(events), of: execution, group: execution)
        schedule(.pollLogs(group: execution), after: Int64(1 + world.random.below(40)))
    }

    func stop(_ execution: Int) {
        world.tell("\(executions[execution].id) has stopped")
        logs.add(.stopped, of: execution, group: execution)
        schedule(.pollLogs(group: execution), after: Int64(1 + world.random.below(40)))
    }

    func pollLogs(_ group: Int) {
        var taken = logs.receive(group: group, limit: settings.logBatch, by: processes.count)
        if !taken.isEmpty, executions.count > 1, world.random.chance(500) {
            taken += logs.receive(group: 1 - group, limit: settings.logBatch, by: processes.count)
        }
        taken = taken.filter { !buryLog($0) }
        guard !taken.isEmpty else { return }
        let process = spawn(execution: logs.messages[taken[0]].execution, name: -1)
        process.messages = taken.map { ($0, logs.messages[$0].receipt) }
        for (index, receipt) in process.messages {
            if logs.messages[index].receives > 1 { world.note(.redelivered) }
            schedule(.logVisible(message: index, receipt: receipt), after: Self.logVisibility)
        }
        world.tell("worker \(process.number) takes messages \(taken.map(String.init).joined(separator: " "))")
        takeNext(process)
    }

    /// Takes a message out that has come too often. Lines are left to the drain; that an execution has stopped comes back from
    /// the dead-letter queue, since nothing else says it.
    private func buryLog(_ index: Int) -> Bool {
        let message = logs.messages[index]
        guard message.receives > logs.maximumReceives else { return false }
        world.note(.deadLetter)
        logs.bury(index)
        switch message.body {
        case .lines: executions[message.execution].batchesDone += 1
        case .stopped: schedule(.stop(execution: message.execution), after: 30_000)
        case .look, .ring: break
        }
        schedule(.pollLogs(group: message.group), after: 1)
        return true
    }

    func showLog(_ index: Int, _ receipt: Int) {
        let worker = logs.messages[index].worker
        guard logs.show(index, receipt: receipt) else { return }
        if processes[worker].isAlive { world.note(.zombie) }
        schedule(.pollLogs(group: logs.messages[index].group), after: 1)
    }

    /// Begins with the next of the messages that were taken.
    func takeNext(_ process: SimulatedProcess) {
        while process.position < process.messages.count {
            let index = process.messages[process.position].index
            let message = logs.messages[index]
            process.execution = message.execution
            guard process.batch.admits(String(index), group: String(message.group)) else {
                world.note(.partialBatch)
                process.failed.insert(index)
                process.position += 1
                continue
            }
            let execution = executions[message.execution]
            switch message.body {
            case .lines(let events):
                var sequencer = Sequencer(events, of: execution.id, limits: settings.limits.sequencer)
                let action = sequencer.handle(.begin)
                process.work = .sequencing(sequencer)
                plan(.sequence(action), of: process)
            // The task runs, or that can't be said now: whoever asks next has another look taken.
            case .look where now < execution.stoppedAt || world.strikes(.stepFailed, 50):
                process.position += 1
                continue
            case .stopped, .look:
                if execution.batchesSent > execution.batchesDone { world.note(.endBeforeLines) }
                var drain = Drain(
                    of: execution.id, outcome: execution.outcome,
                    stoppedAt: Timestamp(milliseconds: World.epoch + execution.stoppedAt), limits: settings.limits)
                let action = drain.handle(.begin)
                process.work = .draining(drain)
                plan(.drain(action), of: process)
            case .ring:
                preconditionFailure("a ring in the queue of lines")
            }
            return
        }
        process.work = nil
        schedule(.settle(process: process.number), after: latency())
    }

    /// The worker is through with one message of its batch.
    func finishMessage(_ process: SimulatedProcess, isDone: Bool) {
        let index = process.messages[process.position].index
        world.tell("worker \(process.number) \(isDone ? "is done with" : "keeps") message \(index)")
        if !isDone {
            process.batch.fail(String(index), group: String(logs.messages[index].group))
            process.failed.insert(index)
        }
        process.position += 1
        takeNext(process)
    }

    /// The queue's side of a batch: deletes what is done, and shows again what is not.
    func settle(_ process: SimulatedProcess) {
        guard process.isAlive else { return }
        process.isAlive = false
        for (index, receipt) in process.messages {
            let message = logs.messages[index]
            if process.failed.contains(index) {
                schedule(.logVisible(message: index, receipt: receipt), after: Int64(world.random.below(3000)))
            } else if logs.delete(index, receipt: receipt) {
                if case .lines = message.body { executions[message.execution].batchesDone += 1 }
                schedule(.pollLogs(group: message.group), after: 1)
            }
        }
    }

    /// Rings one connection. A ring may be lost, and may come twice.
    func ring(_ name: Int, of execution: Int) {
        if world.strikes(.lostRing, 60) { return }
        let count = world.strikes(.doubledRing, 40) ? 2 : 1
        for _ in 0..<count {
            rings.add(.ring(connection: name), of: execution, group: name)
            schedule(.pollRings(group: name), after: Int64(1 + world.random.below(40)))
        }
    }

    func pollRings(_ group: Int) {
        guard let index = rings.receive(group: group, limit: 1, by: processes.count).first else { return }
        let message = rings.messages[index]
        if message.receives > rings.maximumReceives {
            world.note(.deadLetter)
            rings.bury(index)
            return schedule(.pollRings(group: group), after: 1)
        }
        if message.receives > 1 { world.note(.redelivered) }
        let process = spawn(execution: message.execution, name: group)
        process.messages = [(index, message.receipt)]
        schedule(.ringVisible(message: index, receipt: message.receipt), after: Self.ringVisibility)
        process.turnEnds = clock(of: process).milliseconds + 10_000
        var delivery = Delivery(turn: settings.turn)
        let action = delivery.handle(.begin)
        process.work = .delivering(delivery)
        plan(.deliver(action), of: process)
    }

    func showRing(_ index: Int, _ receipt: Int) {
        let worker = rings.messages[index].worker
        guard rings.show(index, receipt: receipt) else { return }
        if processes[worker].isAlive { world.note(.zombie) }
        schedule(.pollRings(group: rings.messages[index].group), after: 1)
    }

    /// What becomes of the ring that a turn answered.
    func finishTurn(_ process: SimulatedProcess, _ outcome: Delivery.Outcome) {
        process.isAlive = false
        world.tell("worker \(process.number): \(outcome)")
        let (index, receipt) = process.messages[0]
        switch outcome.ring {
        case .keep:
            schedule(.ringVisible(message: index, receipt: receipt), after: Int64(200 + world.random.below(6000)))
            return
        case .ringAgainAndDelete: ring(process.name, of: process.execution)
        case .delete: break
        }
        if !world.strikes(.crashAfterEffect, 10), rings.delete(index, receipt: receipt) {
            schedule(.pollRings(group: process.name), after: 1)
        }
    }
}
