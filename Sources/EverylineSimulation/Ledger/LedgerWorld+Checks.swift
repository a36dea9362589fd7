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
        world.require(execution.blocks.last?.endsLog == true, .end, "the last event of \(execution.id) is not its end")
        checkLines(of: execution)
    }

    /// The log holds every line, once and in order, or says which are missing.
    private func checkLines(of execution: SimulatedExecution) {
        let content = SimulatedContent(execution.events)
        world.require(
            zip(content.lines, content.lines.dropFirst()).allSatisfy { $0 < $1 }, .order,
            "the lines of \(execution.id) are not in order, or repeat: \(content.lines)")
        let found = Set(content.lines).union(content.late)
        world.require(
            content.late.count == Set(content.late).count && Set(content.lines).isDisjoint(with: content.late), .order,
            "a late line of \(execution.id) comes twice: \(content.late)")
        guard let isVerified = content.isVerified else {
            return world.require(false, .honest, "the end of \(execution.id) doesn't say whether it was counted")
        }
        let missing = Set(1...UInt64(execution.lineCount + 1)).subtracting([UInt64(execution.lineCount + 1)])
            .subtracting(found)
        if isVerified {
            world.require(
                missing.isEmpty && content.late.isEmpty, .honest,
                "\(execution.id) counts as complete, and lacks the lines \(missing.sorted())")
        }
        if execution.head.isFull {
            world.require(content.fullNotices == 1, .honest, "\(execution.id) is full, and says it otherwise than once")
            world.require(!isVerified, .honest, "\(execution.id) is full, and counts as complete")
            return
        }
        checkLosses(of: execution, content, missing: missing, isVerified: isVerified)
    }

    private func checkLosses(
        of execution: SimulatedExecution, _ content: SimulatedContent, missing: Set<UInt64>, isVerified: Bool
    ) {
        let shown = Set(zip(execution.source, execution.shownAt).filter { $1 < .max }.compactMap(\.0.number))
        world.require(
            missing.isDisjoint(with: shown), .durableBeforeVisible,
            "\(execution.id) lacks lines that its source shows: \(missing.intersection(shown).sorted())")
        world.require(
            missing.isDisjoint(with: execution.arrived), .durableBeforeVisible,
            "\(execution.id) lacks lines that had arrived: \(missing.intersection(execution.arrived).sorted())")
        let last = (content.lines + content.lost).max() ?? 0
        world.require(
            missing.allSatisfy { content.lost.contains($0) || $0 > last }, .honest,
            "\(execution.id) doesn't say that lines are missing: \(missing.sorted())")
        let end = UInt64(execution.lineCount + 1)
        let isWhole = missing.isEmpty && content.late.isEmpty && execution.hasEnd && shown.contains(end)
        world.require(isVerified || !isWhole, .honest, "\(execution.id) has all its lines, and counts as incomplete")
    }

    /// A sender that died with a lock holds no other off longer than its lease; with a wrong clock, than two. (A lock
    /// that a clock far ahead wrote is free now and may hold later, for as long.)
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
        blocks.flatMap { (try? LogEvent.decode(lines: $0.bytes)) ?? [] }
    }
}

/// What a log of the simulation says, line by line.
private struct SimulatedContent {
    /// The numbers of its lines.
    var lines: [UInt64] = []
    /// Of those that came after they were given up.
    var late: [UInt64] = []
    /// Those that it says are missing.
    var lost: [UInt64] = []
    var fullNotices = 0
    var isVerified: Bool?

    init(_ events: [LogEvent]) {
        for event in events {
            switch event.content {
            case .line(let line):
                lines.append((UInt64(line.message.dropFirst(5)) ?? 0) + 1)
            case .notice(let code, let message):
                switch NoticeCode(rawValue: code) {
                case .lateLine?: late += [LateLine(message)?.number].compactMap(\.self)
                case .linesLost?: lost += LostLines(message).map { Array($0.numbers) } ?? []
                case .logFull?: fullNotices += 1
                default: break
                }
            case .end(let outcome):
                isVerified = outcome.isVerified
            }
        }
    }
}
