import Everyline

// The ledger, and the platform's log behind it.
extension LedgerWorld {
    func sequence(_ action: Sequencer.Action, by process: SimulatedProcess) -> Sequencer.Input {
        let number = process.execution
        switch action {
        case .readHead:
            return .head(executions[number].head)
        case .readBlock(let offset):
            guard let block = executions[number].block(holding: offset) else { return .failed }
            guard world.mutation != .duplicateCheck else {
                return .block(
                    LedgerBlock(events: block.events, eventIDs: [], runningMaximum: block.runningMaximum))
            }
            return .block(block)
        case .append(let append):
            return self.append(append, to: number, by: process)
        case .ring:
            let time = clock(of: process)
            for name in records.indices {
                guard let record = records[name][number], record.isUsable(at: time) else { continue }
                if record.isServable(at: time) || world.mutation == .resumeFirst { ring(name, of: number) }
            }
            return .rung
        case .finish:
            preconditionFailure("the end of a batch is no step")
        }
    }

    private func append(_ append: LedgerAppend, to number: Int, by process: SimulatedProcess) -> Sequencer.Input {
        let head = executions[number].head
        guard let next = append.apply(to: world.mutation == .compareAndSet ? head.moved(to: append.after) : head) else {
            world.note(.conflict)
            return .refused
        }
        executions[number].head = next
        guard let block = append.block else { return .appended(next) }
        world.tell(
            "worker \(process.number) appends \(block.events.first)…\(block.events.last) to \(executions[number].id)"
                + (block.events.endsLog ? ": the end" : ": \(block.eventIDs.joined(separator: " "))"))
        check(block, after: head, in: number)
        executions[number].blocks.append(block)
        block.events.appendHashes(to: &executions[number].hashes)
        if append.outcome != nil, world.mutation == .endAsEvent { completeBesideTheLog(number) }
        return .appended(next)
    }

    private func check(_ block: LedgerBlock, after head: LedgerHead, in number: Int) {
        let execution = executions[number]
        world.require(
            block.events.first.rawValue == UInt64(execution.hashes.count) + 1, .order,
            "\(execution.id) gets other events at \(block.events.first), where it has some already")
        world.require(!head.log.isEnded, .end, "\(execution.id) gets events behind its end")
        world.require(
            block.runningMaximum >= head.log.latest, .order, "the running maximum of \(execution.id) goes back")
    }

    func readSource(_ position: SourcePosition?, by process: SimulatedProcess) -> SourcePage {
        guard world.mutation != .drain else { return SourcePage(events: [], next: nil) }
        return executions[process.execution].page(after: position, at: now, size: settings.pageSize)
    }

    /// One of the mutations: everybody is told of the end at once, wherever they are.
    private func completeBesideTheLog(_ number: Int) {
        for name in records.indices {
            guard var record = records[name][number], record.isUsable(at: world.time) else { continue }
            record = ConnectionUpdate.close.apply(to: record) ?? record
            records[name][number] = record
            complete(name, of: number)
        }
    }
}

extension LedgerHead {
    /// The head as a writer sees it who doesn't look whether it has moved.
    fileprivate func moved(to offset: Offset) -> LedgerHead {
        var head = self
        head.log.offset = offset
        return head
    }
}
