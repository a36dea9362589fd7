import Everyline

// The ledger, and the platform's log behind it.
extension LedgerWorld {
    func carryOutOnLog(_ call: FunctionBoard.Call, by process: SimulatedProcess) -> FunctionBoard.Answer {
        switch call {
        case .ledgerHead(let id):
            let number = number(of: id)
            var head = executions[number].head
            if world.mutation == .numbers, let first = firstNumber(in: process, of: number) {
                head.next = min(head.next, first)
            }
            return .ledgerHead(head)
        case .parked(let id, let lines):
            return .run(executions[number(of: id)].parked[lines])
        case .write(let id, let change):
            return .written(write(change, to: number(of: id), by: process))
        case .head(let id):
            return .head(executions[number(of: id)].head.log)
        case .read(let id, let after, let limit):
            return .read(executions[number(of: id)].read(after: after, limit: limit))
        case .offset(let id, let time):
            return .offset(executions[number(of: id)].offset(before: time))
        case .readSource(let id, let start, let position):
            guard world.mutation != .reconcile else { return .page(SourcePage(events: [], next: nil)) }
            return .page(
                executions[number(of: id)].page(from: start, at: position, at: now, size: settings.pageSize))
        default: preconditionFailure("no call of a log")
        }
    }

    /// The first line that a process's messages bring.
    private func firstNumber(in process: SimulatedProcess, of execution: Int) -> UInt64? {
        guard case .messages(.logs, let messages) = process.work else { return nil }
        let events = messages.compactMap { index, _ -> [SourceEvent]? in
            let message = queues[QueueName.logs.rawValue].messages[index]
            return message.execution == execution ? Int(message.body).map { batches[$0].events } : nil
        }
        return events.joined().compactMap(\.number).min()
    }

    private func write(_ change: LedgerChange, to number: Int, by process: SimulatedProcess) -> Bool {
        let head = executions[number].head
        guard mayWrite(change, at: head) else {
            world.note(.conflict)
            return false
        }
        var to = change.to
        if world.mutation == .numbers { to.next = max(to.next, head.next) }
        if world.mutation == .keptRuns { to.parked = head.parked.filter(to.parked.contains) }
        executions[number].parked = executions[number].parked.filter { to.parked.contains($0.key) }
        if let run = change.parks, world.mutation != .keptRuns {
            executions[number].parked[run.lines] = run
            world.tell("worker \(process.number) keeps lines \(run.lines) of \(executions[number].id)")
        }
        if world.mutation == .silentGap, to.hasLoss, change.outcome == nil, to.next > head.next {
            // Over the hole, as if nothing were missing.
            (to.log, to.hasLoss, to.lost) = (head.log, false, [])
            executions[number].head = to
            return true
        }
        executions[number].head = to
        guard let block = change.block else { return true }
        world.tell(
            "worker \(process.number) appends \(block.first)…\(block.last) to \(executions[number].id)"
                + (block.endsLog ? ": the end" : ", up to line \(to.next - 1)"))
        world.require(
            block.first.rawValue == UInt64(executions[number].hashes.count) + 1, .order,
            "\(executions[number].id) gets other events at \(block.first), where it has some already")
        world.require(!head.log.isEnded, .end, "\(executions[number].id) gets events behind its end")
        executions[number].blocks.append(block)
        block.appendHashes(to: &executions[number].hashes)
        if change.outcome != nil, world.mutation == .endAsEvent { completeBesideTheLog(number) }
        return true
    }

    private func mayWrite(_ change: LedgerChange, at head: LedgerHead) -> Bool {
        switch world.mutation {
        case .compareAndSet: true
        case .numbers: !head.log.isEnded && head.log.offset == change.from.log.offset
        default: change.applies(to: head)
        }
    }

    /// One of the mutations: all viewers are told of the end at once, wherever they are.
    private func completeBesideTheLog(_ number: Int) {
        for name in records.indices {
            guard var record = records[name][number], record.isUsable(at: world.time) else { continue }
            record = ConnectionUpdate.close.apply(to: record) ?? record
            records[name][number] = record
            complete(name, of: number)
        }
    }
}
