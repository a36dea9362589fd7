import Everyline
import EverylineProducer
import NIOCore

// The command, and the processes that record it and deliver what they recorded.
extension EmbeddedWorld {
    /// Starts the process that records the command, or one that takes over from it.
    func startLife() {
        guard producer.life == nil, !producer.isDone else { return }
        producer.lives += 1
        let work: ProducerLife.Work =
            producer.lives == 1 ? .record(streams: producer.command.pipes.count) : .conclude
        var settings = producer.settings
        settings.seed = world.random.next()
        // `recover` is called again by its user; a runner never gives up.
        if producer.isForeground, producer.lives > 1 { settings.policy.attempts = 5 }
        world.tell("producer \(producer.lives) starts\(producer.lives > 1 ? ", after one that is gone" : "")")
        producer.life = ProducerLife(
            number: producer.lives, work, on: producer.disk, settings, at: now, executor: executor)
    }

    /// Lets the process's tasks run until all of them wait.
    ///
    /// - Returns: whether any did something.
    func runProducer() -> Bool {
        guard let life = producer.life else { return false }
        let words = life.board.takeWords()
        let entries = life.board.takeEntries()
        for entry in entries { serve(entry, of: life) }
        for word in words { hear(word, of: life) }
        return !words.isEmpty || !entries.isEmpty
    }

    private func serve(_ entry: ProducerBoard.Entry, of life: ProducerLife) {
        switch entry.wait {
        case .sleep(let deadline):
            heap.add(.wake(life, entry.number), at: max(now, deadline.milliseconds))
        case .output(let stream):
            outputWaits[stream] = entry.number
            schedule(.readOutput(life, stream: stream), after: Int64(world.random.below(4)))
        case .exit:
            schedule(.exit(life, entry.number), after: 1)
        case .append(let body, let after, let incarnation):
            send(body, after: after, in: incarnation, entry.number, of: life)
        case .pending(let line, let incarnation):
            sendPending(
                PendingRequest(producer: life.board, wait: entry.number, line: line, incarnation: incarnation))
        case .control:
            control(entry.number, of: life)
        }
    }

    private func hear(_ word: ProducerBoard.Word, of life: ProducerLife) {
        switch word {
        case .opened(let spool):
            producer.spool = spool
            guard !life.isSuccessor, producer.command.state == .waiting else { return }
            world.tell("the command starts")
            producer.command.state = .running
            schedule(.write, after: producer.command.plan.first?.pause ?? 0)
        case .stop(let reason):
            world.tell("the command is stopped: \(reason)")
            world.require(
                reason == .requested && producer.isStopRequested, .harmless,
                "the command is stopped (\(reason)) unasked")
            endCommand(ExecutionOutcome(status: .stopped, exitCode: 143, reason: .stopRequested))
        case .finished(let conclusion):
            finished(conclusion, life)
        case .failed(let reason):
            failed(reason, life)
        }
    }

    // MARK: The command

    /// The command begins its next write, or goes on with the one that waited for room.
    func write() {
        guard producer.command.isRunning else { return }
        if producer.command.pending == nil, !producer.command.begin() {
            world.tell("the command ends")
            return endCommand(ExecutionOutcome(status: .succeeded, exitCode: 0))
        }
        let stream = producer.command.pending?.stream ?? 0
        if producer.command.write() { schedule(.write, after: producer.command.plan.first?.pause ?? 5) }
        offer(stream)
    }

    private func offer(_ stream: Int) {
        guard outputWaits[stream] != nil, let life = producer.life else { return }
        schedule(.readOutput(life, stream: stream), after: Int64(world.random.below(4)))
    }

    private func endCommand(_ outcome: ExecutionOutcome) {
        producer.command.end(outcome)
        for stream in producer.command.pipes.indices { offer(stream) }
    }

    /// The pump takes what is in the pipe, or learns that nothing more comes.
    func readOutput(_ life: ProducerLife, _ stream: Int) {
        guard life === producer.life, let number = outputWaits[stream], life.board.isWaiting(number) else { return }
        let isEmpty = producer.command.pipes[stream].isEmpty
        guard !isEmpty || producer.command.hasEnded else { return }
        outputWaits[stream] = nil
        let bytes = producer.command.read(stream, atMost: world.random.within(1...96))
        life.board.answer(number, .success(.output(bytes)))
        // A write that waited for room goes on.
        if producer.command.pending?.stream == stream { schedule(.write, after: 0) }
    }

    func exit(_ life: ProducerLife, _ number: Int) {
        guard case .ended(let outcome) = producer.command.state else { return schedule(.exit(life, number), after: 20) }
        life.board.answer(number, .success(.exited(outcome)))
    }

    // MARK: How a process ends

    private func finished(_ conclusion: Uplink.Conclusion, _ life: ProducerLife) {
        world.tell("producer \(life.number) is done: \(conclusion)")
        end(life)
        // What it was told before a restore is void by now, and there is no producer any more: the server ends the log.
        if restores > 0, !executions[0].isEnded { endFromOutside() }
        switch conclusion {
        case .delivered:
            world.require(
                executions[0].isEnded || restores > 0, .end,
                "its producer takes the log for delivered, and it has no end")
        case .refused(let error) where error.knownCode == .differentContent && life.isSuccessor:
            // A notice of an earlier process came late, where this one has lines: it keeps them, and the server ends
            // the log.
            endFromOutside()
        case .refused(let error):
            let isTooLate = error.knownCode == .ended || error.knownCode == .unknownExecution
            world.require(
                isTooLate && (executions[0].isEnded || restores > 0), .honest,
                "what the server wants counts as refused: \(error)")
        }
        world.require(
            producer.command.hasEnded || life.isSuccessor, .harmless, "its producer leaves while the command runs")
        producer.disk.empty()
        producer.isDone = true
    }

    private func failed(_ reason: String, _ life: ProducerLife) {
        world.tell("producer \(life.number) fails: \(reason)")
        world.require(
            !producer.command.isRunning, .harmless, "what records the command fails, and the command with it: \(reason)"
        )
        end(life)
        producer.isInterrupted = true
        scheduleSuccessor()
    }

    private func end(_ life: ProducerLife) {
        life.kill(executor)
        producer.life = nil
        producer.spool = nil
        outputWaits.removeAll()
    }

    /// The process is killed, and its command with it: by the end of its pipe, or by the successor.
    func killProducer() {
        guard let life = producer.life else { return }
        world.tell("producer \(life.number) is killed")
        end(life)
        producer.isInterrupted = true
        producer.kept = max(producer.kept, producer.disk.lastEvent)
        if !producer.command.hasEnded {
            producer.command.end(ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost))
        }
        scheduleSuccessor()
    }

    /// The machine loses its power: the server too, where it looks after the command. Of what wasn't synced, any part
    /// may be left.
    func losePower() {
        world.tell("the power is lost")
        killProducer()
        producer.isPowerLost = true
        producer.disk.losePower { count in
            world.random.chance(150) ? nil : world.random.chance(400) ? count : world.random.below(count + 1)
        }
        if !producer.isForeground { kill() }
    }

    /// A runner's successor is started by the server, `recover` by its user.
    private func scheduleSuccessor() {
        producer.failures += 1
        let delay =
            producer.isForeground && !world.faults.isOver
            ? world.random.within(500...60_000) : 1000 << min(producer.failures - 1, 5)
        schedule(.successor, after: Int64(delay))
    }

    func startSuccessor() {
        guard producer.life == nil, !producer.isDone, world.mutation != .successor else { return }
        guard producer.isForeground || server != nil else { return schedule(.successor, after: 1000) }
        startLife()
    }

    func requestStop() {
        guard !producer.isDone, world.injects(.stopRequested, 1000) else { return }
        producer.isStopRequested = true
        answerControl()
    }
}
