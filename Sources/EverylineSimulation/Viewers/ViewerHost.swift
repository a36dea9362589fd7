import Everyline
import NIOCore

/// A world with viewers: the real resuming tail, told what came of its actions, and held to what it may say.
protocol ViewerHost: AnyObject {
    var world: World { get set }
    var executions: [SimulatedExecution] { get set }
    var viewers: [SimulatedViewer] { get set }
    /// How many viewers are yet to be served.
    var unfinished: Int { get set }

    func schedule(_ event: ViewerEvent, of viewer: Int, token: Int, after delay: Int64)
    /// Begins to open a stream for the viewer, and reports by ``take(_:by:)``.
    func open(for viewer: Int, token: Int)
    /// The viewer lets go of its connection, if it has one.
    func hangUp(_ viewer: Int)
    func latency() -> Int64
    /// The viewer has asked the API for its execution.
    func asked(about execution: Int)
    /// Of the data; `nil` where no backup is put back.
    var incarnation: Incarnation? { get }
    /// What a viewer must forget that knows the log as it was in an incarnation.
    func restoration(since known: Incarnation?) -> Restoration?
}

enum ViewerEvent {
    case located, asked, waited, look
}

extension ViewerHost {
    func handle(_ event: ViewerEvent, of viewer: Int, _ token: Int) {
        guard viewers[viewer].token == token else { return }
        let number = viewers[viewer].execution
        switch event {
        case .look: goOn(viewer)
        case .waited: take(.waited, by: viewer)
        case .located:
            asked(about: number)
            if world.injects(.refusedRequest, 40) {
                take(.failed(.refused(APIError(status: 503, code: "unavailable", detail: "later"))), by: viewer)
            } else if refusesRestored(viewer) {
                return
            } else if executions[number].isEnded, world.random.chance(400) {
                download(viewer)
            } else {
                viewers[viewer].addressed = incarnation
                take(.located("stream", in: incarnation), by: viewer)
            }
        case .asked:
            asked(about: number)
            if refusesRestored(viewer) { return }
            let head = executions[number].head.log
            let outcome = head.isEnded ? executions[number].outcome : nil
            take(.state(TailState(outcome: outcome, head: head.offset)), by: viewer)
        }
    }

    /// Refuses a question about a log of another incarnation. Says whether it did.
    private func refusesRestored(_ viewer: Int) -> Bool {
        guard let restoration = restoration(since: viewers[viewer].known) else { return false }
        let refusal = APIError(
            status: 409, code: Problem.Code.otherIncarnation.rawValue, detail: "restored", restoration: restoration)
        take(.failed(.refused(refusal)), by: viewer)
        return true
    }

    /// How long the viewer takes over one message; once the faults are over no viewer is slow.
    func pace(of viewer: SimulatedViewer) -> Int64 { world.faults.isOver ? min(viewer.pace, 500) : viewer.pace }

    func newMachine(from start: StreamStart, knowing known: Incarnation? = nil) -> ResumingTailStateMachine {
        ResumingTailStateMachine(
            from: start, in: known, options: ResumptionOptions(), seed: world.random.next())
    }

    /// Does what the tail says until it has to wait for something.
    func goOn(_ viewer: Int) {
        while world.violation == nil, viewers[viewer].phase != .finished {
            let action = viewers[viewer].machine.next()
            viewers[viewer].token += 1
            let token = viewers[viewer].token
            switch action {
            case .tell(let update):
                told(update, viewer)
            case .close:
                hangUp(viewer)
            case .locate(_, let known):
                viewers[viewer].known = known
                viewers[viewer].phase = .locating
                return schedule(.located, of: viewer, token: token, after: latency() % 9000)
            case .open:
                viewers[viewer].phase = .opening
                return open(for: viewer, token: token)
            case .read:
                viewers[viewer].phase = .reading
                guard !viewers[viewer].mailbox.isEmpty else { return }
                viewers[viewer].machine.take(.read(viewers[viewer].mailbox.removeFirst()))
            case .askState(let known):
                viewers[viewer].known = known
                viewers[viewer].phase = .asking
                return schedule(.asked, of: viewer, token: token, after: latency() % 9000)
            case .wait(let delay):
                viewers[viewer].phase = .waiting
                return schedule(.waited, of: viewer, token: token, after: delay.milliseconds + 1)
            case .finish:
                finish(viewer)
            case .fail(let error):
                failed(error, viewer)
            }
        }
    }

    func take(_ input: ResumingTailStateMachine.Input, by viewer: Int) {
        guard viewers[viewer].phase != .finished else { return }
        viewers[viewer].machine.take(input)
        goOn(viewer)
    }

    /// Something has come over the viewer's connection.
    func receive(_ reading: TailReading, by viewer: Int) {
        switch viewers[viewer].phase {
        case .reading:
            take(.read(reading), by: viewer)
        case .opening where reading.isEnd:
            take(.failed(.unreachable("the connection was closed")), by: viewer)
        default:
            break
        }
    }

    /// The log has ended: everything is given at once.
    private func download(_ viewer: Int) {
        let number = viewers[viewer].execution
        var cursor = viewers[viewer].machine.last ?? .zero
        if viewers[viewer].machine.last == nil, case .notOlderThan(let time) = viewers[viewer].start {
            cursor = executions[number].offset(before: time)
        }
        world.tell("viewer \(viewer) downloads what follows \(cursor)")
        while let block = executions[number].read(after: cursor, limit: 10_000).block {
            viewers[viewer].mailbox.append(.message(block.message))
            cursor = block.last
        }
        viewers[viewer].mailbox.append(.closed(code: 1000, reason: ""))
        take(.downloading(in: incarnation), by: viewer)
    }

    /// The viewer's program dies, and is started again after the last event that it knows, in its incarnation.
    func restart(_ viewer: Int) {
        guard viewers[viewer].phase != .finished else { return }
        world.tell("viewer \(viewer) is started anew after \(viewers[viewer].last?.description ?? "nothing")")
        hangUp(viewer)
        viewers[viewer].token += 1
        viewers[viewer].machine = newMachine(
            from: viewers[viewer].last.map(StreamStart.after) ?? viewers[viewer].start,
            knowing: viewers[viewer].machine.incarnation)
        schedule(.look, of: viewer, token: viewers[viewer].token, after: latency() % 9000)
        viewers[viewer].phase = .waiting
    }

    private func told(_ update: TailUpdate, _ viewer: Int) {
        switch update {
        case .events(let block): received(block, viewer)
        case .ended(let outcome, let isVerified): ended(outcome, isVerified: isVerified, viewer)
        case .reconnecting(let reconnection): world.tell("viewer \(viewer) reconnects: \(reconnection.reason)")
        case .pending(let line): saw(line, viewer)
        case .restored(let base, _): restored(after: base, viewer)
        case .resumed, .notice, .way: break
        }
    }

    private func restored(after base: Offset, _ viewer: Int) {
        world.tell("viewer \(viewer) forgets what came after \(base)")
        guard let last = viewers[viewer].last, last > base else { return }
        viewers[viewer].last = base
        viewers[viewer].seen = viewers[viewer].seen.filter { $0.key <= base }
        viewers[viewer].pending.removeAll { $0.after > base }
    }

    private func saw(_ line: PendingLine, _ viewer: Int) {
        world.tell("viewer \(viewer) sees “\(line.message)” behind \(line.after)")
        world.require(
            line.after == viewers[viewer].last ?? line.after, .honest,
            "viewer \(viewer) is shown a line behind \(line.after), and is at \(viewers[viewer].last ?? .zero)")
        viewers[viewer].pending.append(line)
    }

    private func received(_ block: ReceivedBlock, _ viewer: Int) {
        world.tell("viewer \(viewer) has \(block.first)…\(block.last)")
        let execution = executions[viewers[viewer].execution]
        if let last = viewers[viewer].last {
            world.require(
                block.first == last.next, .gapFree, "viewer \(viewer) gets \(block.first) after \(last)")
        } else if case .notOlderThan(let time) = viewers[viewer].start {
            let wanted = execution.offset(before: time)
            world.require(
                block.first <= wanted.next, .gapFree,
                "viewer \(viewer) asked for a time that \(wanted.next) has, and gets \(block.first) first")
        } else {
            world.require(block.first == Offset(1), .gapFree, "viewer \(viewer) gets \(block.first) first")
        }
        viewers[viewer].last = block.last
        block.forEachHash { viewers[viewer].seen[$0] = $1 }
    }

    private func ended(_ outcome: ExecutionOutcome, isVerified: Bool, _ viewer: Int) {
        let execution = executions[viewers[viewer].execution]
        world.tell("viewer \(viewer) has the end")
        world.require(execution.isEnded, .end, "viewer \(viewer) was told of an end that the log doesn't hold")
        if isVerified {
            for (offset, hash) in viewers[viewer].seen {
                world.require(
                    offset.rawValue <= UInt64(execution.hashes.count)
                        && execution.hashes[Int(offset.rawValue) - 1] == hash, .honest,
                    "viewer \(viewer) takes \(offset) for an event that it isn't any more")
            }
            world.require(
                viewers[viewer].last == execution.head.log.offset, .end,
                "viewer \(viewer) ends at \(viewers[viewer].last ?? .zero) instead of \(execution.head.log.offset)")
        } else {
            let start: Offset =
                switch viewers[viewer].start {
                case .after(let offset): offset
                case .notOlderThan(let time): execution.offset(before: time)
                }
            world.require(
                (viewers[viewer].last ?? start) >= execution.head.log.offset, .verifiable,
                "viewer \(viewer) ends without the end event, which it has not seen")
        }
    }

    func finish(_ viewer: Int) {
        viewers[viewer].phase = .finished
        if viewers[viewer].isToBeServed { unfinished -= 1 }
    }

    private func failed(_ error: TailError, _ viewer: Int) {
        world.tell("viewer \(viewer) gives up: \(error)")
        switch error {
        case .unreachable, .unproven(.noEnd, _): restart(viewer)
        default:
            world.require(false, .verifiable, "viewer \(viewer) gives up: \(error)")
        }
    }
}

extension TailReading {
    fileprivate var isEnd: Bool {
        if case .message = self { return false }
        return true
    }
}

extension ViewerHost {
    var incarnation: Incarnation? { nil }
    func restoration(since known: Incarnation?) -> Restoration? { nil }
}
