import Everyline

// The records of connections, and the tokens that open them.
extension LedgerWorld {
    func carryOutOnRecords(_ call: FunctionBoard.Call, by process: SimulatedProcess) -> FunctionBoard.Answer {
        switch call {
        case .connect(let id, let connection):
            connect(name(of: id), connection, by: process)
            return .done
        case .update(let id, let execution, let update):
            return .connection(carryOut(update, name(of: id), number(of: execution), by: process))
        case .connection(let id, let execution):
            return .connection(records[name(of: id)][number(of: execution)])
        case .viewers(let execution):
            return .viewers(viewers(of: number(of: execution), at: clock(of: process)))
        case .connections(let key):
            return .places(places(under: key, at: clock(of: process)))
        case .execution(let id):
            let execution = executionOf[name(of: id)]
            return .execution(execution < 0 ? nil : executions[execution].id)
        case .token(let secret, let execution):
            return .token(token(secret, for: execution))
        default: preconditionFailure("no call of a record")
        }
    }

    private func viewers(of execution: Int, at time: Timestamp) -> [ConnectionID] {
        records.indices.compactMap { name in
            guard let record = records[name][execution], record.isUsable(at: time),
                record.isServable(at: time) || world.mutation == .resumeFirst
            else { return nil }
            return ConnectionID(String(name))
        }
    }

    private func places(under key: APIKey.ID, at time: Timestamp) -> [ConnectionPlace] {
        records.indices.flatMap { name in
            records[name].compactMap { $0 }.filter { $0.key == key && $0.isUsable(at: time) }.map {
                ConnectionPlace(id: ConnectionID(String(name)), execution: $0.execution)
            }
        }
    }

    private func token(_ secret: String, for execution: ExecutionID) -> StreamToken? {
        guard let viewer = Int(secret), let user = Self.user, !world.injects(.refusedRequest, 20) else { return nil }
        return StreamToken(
            execution: execution, user: user, key: "k", start: viewers[viewer].start, expiresAt: .maximum)
    }

    private static let user = UserID("ann")

    /// A function writes the record of a new connection.
    private func connect(_ name: Int, _ connection: ViewerConnection, by process: SimulatedProcess) {
        guard case .connecting(let index) = process.work else { preconditionFailure("no connection is being made") }
        var record = connection
        if world.injects(.recordExpired, 110) {
            let life = Duration.milliseconds(world.random.within(5000...60_000))
            record = record.rewritten(expiresAt: record.connectedAt + life)
        }
        let number = links[index].execution
        records[name][number] = records[name][number]?.replaced(by: record) ?? record
        executionOf[name] = number
        links[index].isRecorded = true
        links[index].skew = process.skew
        links[index].start = record.cursor
        links[index].posted = record.cursor
    }

    private func carryOut(
        _ update: ConnectionUpdate, _ name: Int, _ number: Int, by process: SimulatedProcess
    ) -> ViewerConnection? {
        let before = records[name][number]
        if case .advance = update, let early = process.early.removeValue(forKey: name) { return early }
        let updated = self.update(update, name, number)
        switch update {
        case .acquire(_, let time, let lease):
            if before?.lock != nil, before?.isLocked(at: time, lease: lease) == false { world.note(.leaseExpired) }
            guard let updated else { return nil }
            process.locks[name] = (updated, links[linkOf[name]].isRecorded ? linkOf[name] : -1)
            return world.mutation == .settling ? updated.rewritten(connectedAt: .epoch) : updated
        case .finish:
            if updated != nil { checkConclusion(of: name, number, by: process) }
        case .resume(let generation, let after):
            if updated != nil { began(generation, after, name, number) }
        default:
            break
        }
        return updated
    }

    /// Carries out a conditional write, or what a mutation makes of it.
    func update(_ update: ConnectionUpdate, _ name: Int, _ number: Int) -> ViewerConnection? {
        guard let record = records[name][number] else { return nil }
        var next = update.apply(to: record)
        if case .advance(_, _, let to, let lastSeen, let time, let lease) = update, world.mutation == .fence,
            record.isOpen
        {
            let owner = record.lock?.owner ?? ""
            next = record.rewritten(
                cursor: to, lastSeen: lastSeen, lock: lease.map { ReplayLock(owner: owner, leaseUntil: time + $0) })
        }
        if case .acquire(let owner, let time, let lease) = update, world.mutation == .resumeFirst,
            record.awaitsResumption, record.isUsable(at: time), !record.isLocked(at: time, lease: lease)
        {
            let lock = ReplayLock(owner: owner, leaseUntil: time + lease)
            next = record.rewritten(cursor: record.cursor, lastSeen: record.lastSeen, lock: lock)
        }
        if case .resume(_, let after) = update, world.mutation == .timestampCursor {
            next = next?.rewritten(cursor: executions[number].offsetByTime(of: after), lastSeen: nil, lock: nil)
        }
        guard let next else {
            world.note(.conflict)
            return nil
        }
        records[name][number] = next
        return next
    }

    /// A process with a right clock gives no connection up that is still being made. One whose record has the whole log
    /// is complete, not given up: a late resumption of the connection that had its id before may say so too early, and
    /// its viewer comes again.
    private func checkConclusion(of name: Int, _ number: Int, by process: SimulatedProcess) {
        let index = linkOf[name]
        let head = executions[number].head.log
        guard !(head.isEnded && records[name][number]?.cursor == head.offset) else { return }
        let isBeingMade =
            process.locks[name]?.link == index && links[index].execution == number && links[index].state == .connecting
        world.require(
            !isBeingMade || abs(process.skew - links[index].skew) > 800, .live,
            "c\(name) is given up while it is being made")
    }

    /// A resumption holds from here on.
    private func began(_ generation: UInt64, _ after: Offset, _ name: Int, _ number: Int) {
        let index = linkOf[name]
        guard links[index].execution == number else { return }
        links[index].generation = generation
        links[index].posted = after
    }
}

extension ViewerConnection {
    /// The record with these fields, for what no condition allows.
    fileprivate func rewritten(cursor: Offset, lastSeen: Timestamp?, lock: ReplayLock?) -> ViewerConnection {
        ViewerConnection(
            execution: execution, generation: generation, start: start, cursor: cursor, lastSeen: lastSeen,
            fence: fence, lock: lock,
            isOpen: isOpen, encoding: encoding, key: key, connectedAt: connectedAt, expiresAt: expiresAt)
    }

    /// The record with these times.
    fileprivate func rewritten(connectedAt: Timestamp? = nil, expiresAt: Timestamp? = nil) -> ViewerConnection {
        ViewerConnection(
            execution: execution, generation: generation, start: start, cursor: cursor, lastSeen: lastSeen,
            fence: fence, lock: lock, isOpen: isOpen, encoding: encoding, key: key,
            connectedAt: connectedAt ?? self.connectedAt, expiresAt: expiresAt ?? self.expiresAt)
    }
}

extension SimulatedExecution {
    /// Where a viewer goes on that knows only the time of its last event: behind every event that is not newer.
    fileprivate func offsetByTime(of offset: Offset) -> Offset {
        guard let block = blocks.last(where: { $0.first <= offset && offset <= $0.last }),
            let event = (try? LogEvent.decode(lines: block.bytes))?.first(where: { $0.offset == offset })
        else { return offset }
        return self.offset(before: event.timestamp + .milliseconds(1))
    }
}
