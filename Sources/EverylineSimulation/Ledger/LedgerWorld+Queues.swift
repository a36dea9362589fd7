import Everyline
import EverylineAWS

// What brings lines, notifications and requests to the functions: queues by SQS's rules.
extension LedgerWorld {
    func ingest(_ batch: Int) {
        let (execution, events) = batches[batch]
        world.tell("batch \(batch) of \(executions[execution].id): lines \(events.compactMap(\.number))")
        add(String(batch), to: .logs, of: execution, group: execution, after: Int64(world.random.below(40)))
    }

    /// The platform says that a task has stopped.
    func stop(_ execution: Int) {
        world.tell("\(executions[execution].id) has stopped")
        if executions[execution].batchesSent > executions[execution].batchesDone { world.note(.endBeforeLines) }
        _ = send(ReconcileMessage(.stopped(stoppedTask(execution)), of: executions[execution].id), after: 5000)
    }

    /// Puts a message in the queue of reconciling, which gives it out after a while, in no order.
    func send(_ message: ReconcileMessage, after delay: Int64) -> FunctionBoard.Answer {
        let group = queues[QueueName.reconciling.rawValue].messages.count
        let delay = delay + Int64(world.random.below(40))
        add(message.body, to: .reconciling, of: number(of: message.execution), group: group, after: delay)
        return .done
    }

    /// Notifies connections. A notification may be lost, and may come twice.
    func notify(_ names: [Int], of execution: Int) -> FunctionBoard.Answer {
        for name in names {
            if world.injects(.lostNotification, 60) { continue }
            let body = ConnectionPlace(id: ConnectionID(String(name)), execution: executions[execution].id)
                .notification
            for _ in 0..<(world.injects(.doubledNotification, 40) ? 2 : 1) {
                add(body, to: .notifications, of: execution, group: name, after: Int64(world.random.below(40)))
            }
        }
        return .done
    }

    private func add(_ body: String, to queue: QueueName, of execution: Int, group: Int, after delay: Int64) {
        queues[queue.rawValue].add(body, of: execution, group: group)
        schedule(.poll(queue, group: group), after: delay + 1)
    }

    /// A queue's messages are given to a function: those of one group, perhaps with those of another.
    func poll(_ queue: QueueName, group: Int) {
        var taken = receive(queue, group: group)
        let others = queue == .notifications ? linkOf.count : queue == .logs ? executions.count : 0
        if !taken.isEmpty, others > 1, world.random.chance(500) {
            let other = world.random.below(others)
            if other != group { taken += receive(queue, group: other) }
        }
        guard !taken.isEmpty else { return }
        let messages = taken.map { (index: $0, receipt: queues[queue.rawValue].messages[$0].receipt) }
        for (index, receipt) in messages {
            schedule(.visible(queue, message: index, receipt: receipt), after: queue.visibility)
        }
        let records = taken.map { record($0, of: queue) }
        world.tell(
            "worker \(processes.count) takes messages \(taken.map(String.init).joined(separator: " ")) of \(queue)")
        let (board, owner) = (board, String(processes.count))
        let limit: Duration = queue == .reconciling ? .seconds(120) : .seconds(30)
        begin(.messages(queue, messages)) { functions in
            let function: any QueueHandler =
                switch queue {
                case .logs: functions.sequencer
                case .notifications: functions.delivery
                case .reconciling: functions.reconciler
                }
            let failed = await function.process(records, in: owner, until: board.time + limit)
            board.say(.settled(failed: failed.map(\.messageID)))
        }
    }

    /// The group's next messages, but for those that have come too often: their lines are left to the reconciler.
    private func receive(_ queue: QueueName, group: Int) -> [Int] {
        let limit = queue == .reconciling ? 1 : settings.batch
        let taken = queues[queue.rawValue].receive(group: group, limit: limit, by: processes.count)
        return taken.filter { index in
            let message = queues[queue.rawValue].messages[index]
            if message.receives > 1 { world.note(.redelivered) }
            guard message.receives > queue.maximumReceives else { return true }
            world.note(.deadLetter)
            queues[queue.rawValue].deadLetter(index)
            if queue == .logs { executions[message.execution].batchesDone += 1 }
            schedule(.poll(queue, group: group), after: 1)
            return false
        }
    }

    private func record(_ index: Int, of queue: QueueName) -> SQSEvent.Record {
        let message = queues[queue.rawValue].messages[index]
        let group =
            switch queue {
            case .logs: executions[message.execution].id.rawValue
            case .notifications: String(message.group)
            case .reconciling: ""
            }
        var body = message.body
        if queue == .reconciling, world.mutation == .secondReading, let told = try? ReconcileMessage(body: body) {
            let seen = Reconciler.Seen(executions[message.execution].head)
            body = ReconcileMessage(told.cause, of: told.execution, seen: seen, place: told.place).body
        }
        return SQSEvent.Record(
            messageID: String(index), receiptHandle: String(message.receipt), body: body,
            attributes: .init(group: group, receiveCount: message.receives, sentAt: nil))
    }

    func show(_ queue: QueueName, _ index: Int, _ receipt: Int) {
        let message = queues[queue.rawValue].messages[index]
        guard queues[queue.rawValue].show(index, receipt: receipt) else { return }
        if processes[message.worker].isAlive { world.note(.zombie) }
        schedule(.poll(queue, group: message.group), after: 1)
    }

    /// A message's visibility timeout is made shorter.
    func requeue(
        _ record: SQSEvent.Record, after delay: Int64, to process: SimulatedProcess
    ) -> FunctionBoard.Answer {
        guard case .messages(let queue, _) = process.work, let index = Int(record.messageID),
            let receipt = Int(record.receiptHandle)
        else { preconditionFailure("no message of this process") }
        schedule(.visible(queue, message: index, receipt: receipt), after: delay)
        return .done
    }

    /// The queue's side of a batch: deletes what is done. What is not comes back by itself.
    func settle(_ process: SimulatedProcess) {
        guard process.isAlive, case .messages(let queue, let messages) = process.work else { return }
        process.isAlive = false
        if !process.failed.isEmpty, process.failed.count < messages.count { world.note(.partialBatch) }
        for (index, receipt) in messages where !process.failed.contains(String(index)) {
            if world.injects(.crashAfterEffect, 10) { continue }
            guard queues[queue.rawValue].delete(index, receipt: receipt) else { continue }
            let message = queues[queue.rawValue].messages[index]
            if queue == .logs, let batch = Int(message.body) {
                executions[message.execution].take(batches[batch].events)
            }
            schedule(.poll(queue, group: message.group), after: 1)
        }
    }
}
