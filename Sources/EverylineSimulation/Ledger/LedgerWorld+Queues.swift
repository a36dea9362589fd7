import Everyline

// What brings lines to the sequencer, and rings to the senders.
extension LedgerWorld {
    func ingest(_ batch: Int) {
        let (execution, events) = batches[batch]
        world.tell("batch \(batch) of \(executions[execution].id): lines \(events.compactMap(\.number))")
        logs.add(.lines(events), of: execution, group: execution)
        schedule(.pollLogs(group: execution), after: Int64(1 + world.random.below(40)))
    }

    func stop(_ execution: Int) {
        world.tell("\(executions[execution].id) has stopped")
        if executions[execution].batchesSent > executions[execution].batchesDone { world.note(.endBeforeLines) }
        send(.reconcile(isStopped: true, request: .init()), of: execution, after: 5000)
    }

    /// Puts a message in the queue of reconciling, which gives it out after a while, in no order.
    func send(_ body: SimulatedQueue.Body, of execution: Int, after delay: Int64) {
        let message = reconciling.messages.count
        reconciling.add(body, of: execution, group: message)
        schedule(.pollReconcile(message: message), after: delay + Int64(1 + world.random.below(40)))
    }

    func pollReconcile(_ index: Int) {
        guard reconciling.receive(group: index, limit: 1, by: processes.count).first == index else { return }
        let message = reconciling.messages[index]
        if message.receives > 1 { world.note(.redelivered) }
        guard message.receives <= reconciling.maximumReceives,
            case .reconcile(let isStopped, var request) = message.body
        else {
            world.note(.deadLetter)
            return reconciling.bury(index)
        }
        schedule(.reconcileVisible(message: index, receipt: message.receipt), after: Self.reconcileVisibility)
        let execution = executions[message.execution]
        let isKnownToStop = isStopped || now >= execution.stoppedAt
        let process = spawn(execution: message.execution, name: -1)
        process.reconciles = true
        process.messages = [(index, message.receipt)]
        if world.mutation == .secondReading { request.seen = .init(execution.head) }
        if isKnownToStop {
            request.stopped = .init(
                execution.outcome, at: Timestamp(milliseconds: World.epoch + execution.stoppedAt))
        }
        world.tell("worker \(process.number) reconciles \(execution.id)\(isKnownToStop ? ", which has stopped" : "")")
        reconcile(request, by: process)
    }

    func showReconcile(_ index: Int, _ receipt: Int) {
        let worker = reconciling.messages[index].worker
        guard reconciling.show(index, receipt: receipt) else { return }
        if processes[worker].isAlive { world.note(.zombie) }
        schedule(.pollReconcile(message: index), after: 1)
    }

    /// Settles a worker's message: `nil` sends it back to its queue.
    func finish(_ process: SimulatedProcess, _ outcome: Reconciler.Outcome?) {
        guard process.reconciles else { return finishMessage(process, isDone: outcome != nil) }
        process.isAlive = false
        let (index, receipt) = process.messages[0]
        guard let outcome else {
            return schedule(.reconcileVisible(message: index, receipt: receipt), after: 10_000)
        }
        if case .again(let request, let afterPause) = outcome {
            send(
                .reconcile(isStopped: request.stopped != nil, request: request), of: process.execution,
                after: afterPause ? Self.pause : 0)
        }
        if !world.strikes(.crashAfterEffect, 10) { _ = reconciling.delete(index, receipt: receipt) }
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

    /// Takes a message out that has come too often. Its lines are left to the reconciler.
    private func buryLog(_ index: Int) -> Bool {
        let message = logs.messages[index]
        guard message.receives > logs.maximumReceives else { return false }
        world.note(.deadLetter)
        logs.bury(index)
        executions[message.execution].batchesDone += 1
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
            guard case .lines(let events) = message.body else { preconditionFailure("no lines in their queue") }
            sequence(events, by: process)
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
                executions[message.execution].take(message.body)
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

    /// Settles the ring that a turn answered.
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
