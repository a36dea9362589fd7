import Everyline
import NIOCore

// The server's process, its store, and how both fail.
extension EmbeddedWorld {
    func start() {
        guard server == nil else { return }
        servers += 1
        server = SimulatedServer(number: servers, board: board, executor: executor)
        world.tell("server \(servers) starts")
        // What a runner has given up is written down beside its spool: the next server finds it.
        if isEndedFromOutside, !executions[0].isEnded { schedule(.endFromOutside, after: 100) }
        executor.run()
    }

    /// Lets the tasks of server and producer run until all of them wait, and takes what they said and what they wait
    /// for.
    func runTasks() {
        while true {
            executor.run()
            let words = board.takeWords()
            for word in words { hear(word) }
            let entries = board.takeEntries()
            for entry in entries { putUp(entry) }
            let isProducing = runProducer()
            if words.isEmpty && entries.isEmpty && !isProducing { break }
        }
        world.require(!executor.isSpinning, .live, "tasks go on and on without waiting for anything")
        checkNobodyIsForgotten()
    }

    private func putUp(_ entry: PendingSteps.Entry) {
        if entry.stream >= 0 { sockets[entry.stream].pending += 1 }
        if case .send(let messages, let continuation) = entry.step {
            return send(messages, on: entry.stream, continuation)
        }
        operations.append(Operation(entry: entry))
        if case .sleep(let time, _) = entry.step {
            operations[operations.count - 1]?.outcome = .slept
            return schedule(.reply(operations.count - 1), after: time.milliseconds + 1)
        }
        schedule(.effect(operations.count - 1), after: latency())
    }

    private func hear(_ word: PendingSteps.Word) {
        switch word {
        case .answered(let request, let result): answered(request, result)
        case .pendingTaken(let request, let result): pendingTaken(request, result)
        case .took(let stream, let blocks):
            for block in blocks { check(block, takenFor: stream) }
        case .closed(let stream, let code):
            sockets[stream].isServed = false
            closeInOrder(stream, code: code)
        case .ended(let result):
            world.tell("ended from outside: \(result)")
            if case .failure = result, !world.faults.isOver || !executions[0].isEnded {
                schedule(.endFromOutside, after: 1000)
            }
        }
    }

    /// The moment at which the store does what was asked of it.
    func effect(_ index: Int) {
        guard let operation = operations[index] else { return }
        var outcome: Outcome
        switch operation.entry.step {
        case .append(let appends, _):
            if world.injects(.commitFailed, 60) {
                outcome = .failed(.unavailable("the disk"))
            } else if world.injects(.serverFull, 50) {
                outcome = .failed(.noSpace)
            } else {
                outcome = .appended(appends.map(commit))
                if world.injects(.commitUnknown, 60) { outcome = .failed(.unavailable("the disk")) }
            }
        case .head:
            outcome = .head(executions[0].head.log)
        case .read(let offset, let limit, _):
            outcome =
                world.injects(.readFailed, 60)
                ? .failed(.unavailable("the disk")) : .read(executions[0].read(after: offset, limit: limit))
        case .send, .sleep:
            preconditionFailure("a socket is no store, and a clock neither")
        }
        operations[index]?.outcome = outcome
        schedule(.reply(index), after: latency())
    }

    private func commit(_ append: LogAppend) -> Result<Appended, LogStoreError> {
        let head = executions[0].head.log
        var rule = AppendRule(
            append, at: head, limit: logLimit, restoration: append.incarnation.flatMap(history.restoration))
        while let wanted = rule.wanted,
            let block = executions[0].read(after: wanted.offset, limit: wanted.limit).block
        {
            rule.compare(block)
        }
        switch rule.decision {
        case .refuse(let error):
            world.tell("the store refuses an append after \(append.head): \(error)")
            return .failure(error)
        case .held:
            world.note(.appendRetried)
            return .success(Appended(head: head, block: nil, isStopRequested: producer.isStopRequested))
        case .add(let block):
            world.tell("the store commits \(block.first)…\(block.last)\(block.endsLog ? ", the end" : "")")
            world.require(!head.isEnded, .end, "the log gets events behind its end")
            world.require(block.predecessor == head.offset, .order, "\(block.first) follows \(head.offset)")
            let next = head.adding(block)
            executions[0].head.log = next
            executions[0].blocks.append(block)
            block.appendHashes(to: &executions[0].hashes)
            if let outcome = append.body.outcome { executions[0].outcome = outcome }
            return .success(Appended(head: next, block: block, isStopRequested: producer.isStopRequested))
        }
    }

    /// The moment at which a task hears the outcome of its step.
    func reply(_ index: Int) {
        guard let operation = operations[index] else { return }
        operations[index] = nil
        let entry = operation.entry
        if entry.stream >= 0 { sockets[entry.stream].pending -= 1 }
        switch (entry.step, operation.outcome) {
        case (.append(_, let continuation), .appended(let results)):
            for case .success(let appended) in results {
                if let block = appended.block { server?.announced = block.last }
            }
            continuation.resume(returning: results)
        case (.head(let continuation), .head(let head)): continuation.resume(returning: head)
        case (.read(_, _, let continuation), .read(let read)): continuation.resume(returning: read)
        case (.sleep(_, let continuation), .slept): continuation.resume()
        case (_, .failed(let error)): entry.step.fail(error)
        default: preconditionFailure("a store answers what it is asked")
        }
    }

    func tick() {
        server?.feed.tick()
        schedule(.tick, after: Self.heartbeat)
    }

    /// The process is gone at once: with what it had not committed, and with all connections.
    func kill() {
        guard let dead = server else { return }
        world.tell("server \(dead.number) is killed")
        end(dead)
        for socket in sockets.indices where sockets[socket].server == dead.number { cut(socket) }
        schedule(.start, after: Int64(world.random.within(10...5000)))
    }

    /// The server goes in order: it commits what it has taken, and tells its viewers to come back.
    func stop() {
        guard let old = server else { return }
        world.tell("server \(old.number) stops")
        old.writing.cancel()
        executor.run()
        for socket in sockets.indices where sockets[socket].server == old.number && sockets[socket].isOpen {
            closeInOrder(socket, code: 1001)
        }
        // A commit that is under way may still succeed on the disk, though no producer hears of it.
        for index in operations.indices {
            if let operation = operations[index], operation.outcome == nil, case .append = operation.entry.step {
                effect(index)
            }
        }
        end(old)
        schedule(.start, after: Int64(world.random.within(10...3000)))
    }

    private func end(_ old: SimulatedServer) {
        board.markDead(before: old.number + 1)
        server = nil
        old.writing.cancel()
        for task in old.tasks { task.cancel() }
        for index in operations.indices {
            operations[index]?.entry.step.fail(ServerGone())
            operations[index] = nil
        }
        for index in sockets.indices where sockets[index].server == old.number {
            sockets[index].subscription.end()
            sockets[index].isServed = false
            failWaiting(index)
        }
        executor.run()
        for entry in board.takeEntries() { entry.step.fail(ServerGone()) }
        executor.run()
        _ = board.takeWords()
        producerLost()
    }

    func failWaiting(_ index: Int) {
        for waiting in sockets[index].waiting { waiting.continuation.resume(throwing: ServerGone()) }
        sockets[index].waiting.removeAll()
    }

    /// Ends the run: no task may outlive it.
    func shutDown() {
        producer.life?.kill(executor)
        if let server { end(server) }
    }
}
