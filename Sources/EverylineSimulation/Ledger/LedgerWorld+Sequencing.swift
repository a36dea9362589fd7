import Everyline

// The sequencer's and the reconciler's calls: the ledger, and the platform's log behind it.
extension LedgerWorld {
    /// Has a worker take the events of a message.
    func sequence(_ events: [SourceEvent], by process: SimulatedProcess) {
        let (board, number, id) = (board, process.number, executions[process.execution].id)
        let ports = BoardPorts(board: board, process: number)
        let sequencer = Sequencer(
            ledger: ports, connections: ports, doorbell: ports, limits: settings.limits,
            requestRepair: { _, _ in try await ports.requestRepair() }, now: { board.time })
        process.firstNumber = events.compactMap(\.number).min()
        begin(process) {
            do {
                try await sequencer.sequence(events, of: id)
                board.say(.done, by: number)
            } catch {
                board.say(nil, by: number)
            }
        }
    }

    func reconcile(_ request: Reconciler.Request, by process: SimulatedProcess) {
        let (board, number, id) = (board, process.number, executions[process.execution].id)
        let ports = BoardPorts(board: board, process: number)
        let reconciler = Reconciler(
            ledger: ports, connections: ports, doorbell: ports, limits: settings.limits, margin: Self.margin,
            now: { board.time })
        let deadline = clock(of: process) + .seconds(120)
        begin(process) {
            // What it throws goes back to the queue.
            board.say(try? await reconciler.reconcile(id, request, from: ports, until: deadline), by: number)
        }
    }

    private func begin(_ process: SimulatedProcess, _ work: @escaping @Sendable () async -> Void) {
        board.time = clock(of: process)
        Task(executorPreference: executor, operation: work)
        goOn(process)
    }

    /// Runs a worker's task until it waits again, or is through.
    func goOn(_ process: SimulatedProcess) {
        executor.run()
        if let entry = board.takeEntry() {
            process.work = .waiting(entry.continuation)
            plan(.call(entry.call), of: process)
        } else if let word = board.takeWord() {
            process.work = nil
            finish(process, word.outcome)
        }
    }

    /// Lets nothing of a worker's task have an effect any more.
    func abandon(_ process: SimulatedProcess) {
        let work = process.work
        process.work = nil
        guard case .waiting(let continuation)? = work else { return }
        board.bury(process.number)
        continuation.resume(throwing: WorkerGone())
        executor.run()
        while board.takeWord() != nil {}
    }

    func carryOut(_ call: LedgerBoard.Call, by process: SimulatedProcess) -> LedgerBoard.Answer {
        let number = process.execution
        switch call {
        case .head:
            var head = executions[number].head
            if world.mutation == .numbers, let first = process.firstNumber { head.next = min(head.next, first) }
            return .head(head)
        case .parked(let lines):
            return .run(executions[number].parked[lines])
        case .write(let change):
            return .written(write(change, to: number, by: process))
        case .viewers:
            let time = clock(of: process)
            return .viewers(
                records.indices.compactMap { name in
                    guard let record = records[name][number], record.isUsable(at: time),
                        record.isServable(at: time) || world.mutation == .resumeFirst
                    else { return nil }
                    return ConnectionID(String(name))
                })
        case .ring(let viewers):
            for name in viewers.compactMap({ Int($0.rawValue) }) { ring(name, of: number) }
            return .done
        case .readSource(let start, let position):
            guard world.mutation != .reconcile else { return .page(SourcePage(events: [], next: nil)) }
            return .page(executions[number].page(from: start, at: position, at: now, size: settings.pageSize))
        case .requestRepair:
            send(.reconcile(isStopped: false, request: .init()), of: number, after: 20_000)
            return .done
        }
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
