import Everyline

// What must hold when nothing has gone wrong for long enough.
extension LedgerWorld {
    func checkTheEnd() {
        for number in executions.indices { checkLog(of: number) }
        for (number, viewer) in viewers.enumerated() where viewer.isToBeServed && viewer.phase != .finished {
            world.require(
                false, .live,
                "viewer \(number) has got up to \(viewer.last?.description ?? "nothing") of "
                    + "\(executions[viewer.execution].head.log.offset), and waits")
        }
        checkLocks()
    }

    private func checkLog(of number: Int) {
        let execution = executions[number]
        world.require(execution.isEnded, .live, "\(execution.id) has stopped, and its log has no end")
        guard world.violation == nil else { return }
        var ids: Set<String> = []
        for block in execution.blocks {
            for id in block.eventIDs {
                world.require(ids.insert(id).inserted, .order, "\(execution.id) holds event \(id) twice")
            }
        }
        world.require(
            execution.blocks.last?.events.endsLog == true, .end, "the last event of \(execution.id) is not its end")
        checkCompleteness(of: execution, holding: ids.count)
    }

    /// The log holds every line, or says that it doesn't.
    private func checkCompleteness(of execution: SimulatedExecution, holding count: Int) {
        let missing = execution.lineCount - count
        guard let isVerified = execution.verdict else {
            return world.require(false, .honest, "the end of \(execution.id) doesn't say whether it was counted")
        }
        if isVerified {
            world.require(missing == 0, .honest, "\(execution.id) counts as complete, and lacks \(missing) lines")
        }
        if execution.head.isFull {
            let notices = execution.events.count { if case .notice = $0.content { true } else { false } }
            world.require(notices == 1, .honest, "\(execution.id) is full, and says so \(notices) times")
            world.require(!isVerified, .honest, "\(execution.id) is full, and counts as complete")
        } else {
            world.require(
                missing <= execution.withheld, .durableBeforeVisible,
                "\(execution.id) lacks \(missing) lines that its source shows")
            world.require(
                isVerified || missing > 0 || execution.head.sentinel == nil, .honest,
                "\(execution.id) has all its lines, and counts as incomplete")
        }
        checkOrder(of: execution)
    }

    /// Within a block events are in the order of their times and ids.
    private func checkOrder(of execution: SimulatedExecution) {
        let order = Dictionary(uniqueKeysWithValues: execution.source.enumerated().map { ($1.id, $0) })
        for block in execution.blocks {
            let places = block.eventIDs.compactMap { order[$0] }
            world.require(
                zip(places, places.dropFirst()).allSatisfy { $0 < $1 }, .order,
                "a block of \(execution.id) is not in the order of times: \(block.eventIDs)")
        }
    }

    /// Whoever died with a lock holds nobody off longer than its lease; with a wrong clock, longer than two. (A lock that a
    /// clock far ahead wrote is free now and may hold later, for as long.)
    private func checkLocks() {
        let later = Timestamp(milliseconds: world.time.milliseconds + 2 * Self.lease.milliseconds)
        for (name, byExecution) in records.enumerated() {
            for case let record? in byExecution where record.isLocked(at: world.time, lease: Self.lease) {
                let isFree = !record.isLocked(at: later, lease: Self.lease)
                world.require(isFree, .live, "c\(name) stays locked for longer than two leases")
            }
        }
    }
}

extension SimulatedExecution {
    var events: [LogEvent] {
        blocks.flatMap { (try? LogEvent.decode(lines: $0.events.bytes)) ?? [] }
    }

    /// What the `end` event says of the count of lines.
    fileprivate var verdict: Bool? {
        guard let last = blocks.last,
            case .end(let outcome)? = try? LogEvent.decode(lines: last.events.bytes).last?.content
        else { return nil }
        return outcome.isVerified
    }
}
