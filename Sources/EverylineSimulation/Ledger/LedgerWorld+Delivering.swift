import Everyline
import NIOCore

// What senders and the watchdog do: the records of connections, and the gateway.
extension LedgerWorld {
    func deliver(_ action: Delivery.Action, by process: SimulatedProcess) -> Delivery.Input {
        let (name, number) = (process.name, process.execution)
        switch action {
        case .acquire:
            if records[name][number]?.lock != nil,
                records[name][number]?.isLocked(at: clock(of: process), lease: Self.lease) == false
            {
                world.note(.leaseExpired)
            }
            let lock = ConnectionUpdate.acquire(
                owner: String(process.number), now: clock(of: process), lease: Self.lease)
            let updated = update(lock, name, number)
            process.viewer = updated
            process.link = linkOf[name]
            return updated.map(Delivery.Input.updated) ?? .refused
        case .inspect:
            return .inspected(isServable: records[name][number]?.isServable(at: clock(of: process)) ?? false)
        case .read(let after):
            return .read(executions[number].read(after: after, limit: settings.frame))
        case .post(let block, let generation):
            if world.mutation == .postBeforeCommit { advanceEarly(process, past: block) }
            return post(block, generation, by: process)
        case .advance(let fence, let from, let to, let lastSeen, let outcome):
            if let early = process.early { return early }
            let advance = ConnectionUpdate.advance(
                fence: fence, from: from, to: to, lastSeen: lastSeen, now: clock(of: process),
                lease: outcome == nil ? Self.lease : nil)
            return update(advance, name, number).map(Delivery.Input.updated) ?? .refused
        case .release(let fence, _):
            _ = update(.release(fence: fence), name, number)
        case .conclude(let fence):
            let concluded = update(.conclude(fence: fence), name, number)
            if concluded != nil { checkConclusion(by: process) }
            return concluded.map(Delivery.Input.updated) ?? .refused
        case .close:
            // The gateway may have given the id to another viewer meanwhile; that viewer then reconnects by itself.
            complete(name, isOwed: process.link == linkOf[name], of: number)
            return .closed
        case .finish:
            preconditionFailure("the end of a turn is no step")
        }
        return .released
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

    /// One of the mutations: the cursor moves before the block is posted.
    private func advanceEarly(_ process: SimulatedProcess, past block: EventBlock) {
        guard let viewer = process.viewer, let record = records[process.name][process.execution] else { return }
        let advance = ConnectionUpdate.advance(
            fence: viewer.fence, from: record.cursor, to: block.last, lastSeen: block.latest, now: clock(of: process),
            lease: Self.lease)
        let updated = record.cursor == block.predecessor ? update(advance, process.name, process.execution) : nil
        process.early = updated.map(Delivery.Input.updated) ?? .refused
    }

    private func post(_ block: EventBlock, _ generation: UInt64, by process: SimulatedProcess) -> Delivery.Input {
        let (name, number) = (process.name, process.execution)
        world.require(
            block.matches(executions[number].hashes), .durableBeforeVisible,
            "worker \(process.number) posts \(block.first)…\(block.last), which is not what the log holds")
        guard let viewer = process.viewer else { preconditionFailure("a post before the lock") }
        let index = linkOf[name]
        guard links[index].state == .open else {
            if links[index].state == .connecting { world.note(.notYetConnected) }
            let isGone = world.mutation == .settling || viewer.isSettled(at: clock(of: process))
            return isGone ? .gone : .postFailed
        }
        if links[index].unread > 3 || world.strikes(.throttled, 15) {
            if links[index].unread > 3 { world.note(.throttled) }
            return .postFailed
        }
        world.tell(
            "worker \(process.number) posts \(block.first)…\(block.last) of \(executions[number].id), generation "
                + "\(generation), to c\(name)")
        let isRightful =
            links[index].execution == number && links[index].generation == generation
            && viewer.fence == records[name][number]?.fence
        if isRightful {
            // What he posts follows what was posted under the same resumption.
            world.require(
                block.first <= links[index].posted.next, .gapFree,
                "c\(name) has got up to \(links[index].posted) and gets \(block.first) next")
        }
        let messages = viewer.form.gatewayMessages(of: block, to: viewer, generation: generation)
        for (count, message) in messages.enumerated() {
            if count > 0, world.strikes(.partialPost, 350) {
                if isRightful { links[index].posted = max(links[index].posted, block.first.advanced(by: count - 1)) }
                return .postFailed
            }
            accept(message, on: index)
        }
        if isRightful { links[index].posted = max(links[index].posted, block.last) }
        return .posted
    }

    /// A process with a right clock gives no connection up that is still being made. One whose viewer came with the whole log is
    /// complete, not given up: a resumption of the connection that had its id before may say so early.
    private func checkConclusion(by process: SimulatedProcess) {
        let index = linkOf[process.name]
        let head = executions[process.execution].head.log
        guard !(head.isEnded && links[index].start == head.offset) else { return }
        let isBeingMade =
            process.link == index && links[index].execution == process.execution && links[index].state == .connecting
        world.require(
            !isBeingMade || abs(process.skew) > 800, .live, "c\(process.name) is given up while it is being made")
    }

    /// The gateway takes a message for a viewer.
    func accept(_ message: ByteBuffer, on index: Int) {
        links[index].lastTraffic = now
        if links[index].isBlackHole || world.strikes(.acceptedAndLost, 30) {
            links[index].hasLost = true
            return
        }
        links[index].frames.append(message)
        let viewer = viewers[links[index].viewer]
        let arrival = max(now + Int64(1 + world.random.below(30)), links[index].lastArrival + pace(of: viewer))
        links[index].lastArrival = arrival
        heap.add(.arrive(link: index), at: arrival)
    }

    /// Closes a connection because its viewer has got everything.
    func complete(_ name: Int, isOwed: Bool = true, of number: Int) {
        let index = linkOf[name]
        guard links[index].state == .open else { return }
        if isOwed, links[index].execution == number {
            let speaks = viewers[links[index].viewer].form == .blocks
            world.require(
                !speaks || links[index].generation > 0, .end,
                "c\(name) is closed as complete before its viewer has resumed: it refuses all that it got")
            world.require(
                executions[number].isEnded && links[index].posted >= executions[number].head.log.offset, .end,
                "c\(name) is closed as complete after \(links[index].posted), but the end is \(executions[number].head.log.offset)"
            )
        }
        world.tell("c\(name) is closed as complete")
        closeInOrder(index, code: 1000)
    }

    // What viewers say.

    func hear(_ index: Int, _ message: ViewerMessage) {
        links[index].lastTraffic = now
        let name = links[index].name
        let process = spawn(execution: executionOf[name], name: name)
        world.tell("worker \(process.number) hears from c\(name): \(message.text)")
        var reception = Reception(of: message, lease: Self.lease)
        let action = reception.handle(.begin(now: clock(of: process)))
        process.work = .receiving(reception)
        plan(.receive(action), of: process)
    }

    func receive(_ action: Reception.Action, by process: SimulatedProcess) -> Reception.Input {
        let (name, number) = (process.name, process.execution)
        switch action {
        case .update(let update):
            let updated = self.update(update, name, number)
            if updated != nil, case .resume(let generation, let after) = update {
                began(generation, after, name, number)
            }
            return updated.map(Reception.Input.updated) ?? .refused
        case .readConnection:
            return .connection(records[name][number])
        case .readHead:
            return .head(executions[number].head.log)
        case .ring:
            ring(name, of: number)
            return .rung
        case .look:
            look(at: number)
            return .looked
        case .answer(let frame):
            let index = linkOf[name]
            if links[index].state == .open, links[index].unread <= 3 { accept(frame.message, on: index) }
            return .answered
        case .close:
            if links[linkOf[name]].state == .open {
                world.tell("c\(name) is closed: its record is of no use")
                closeInOrder(linkOf[name], code: 1001)
            }
            return .closed
        case .finish:
            preconditionFailure("the end of a reception is no step")
        }
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
            isOpen: isOpen, form: form, key: key, connectedAt: connectedAt, expiresAt: expiresAt)
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
