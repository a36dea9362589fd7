import Everyline
import NIOCore

// The runner: appends after the head that it knows, until what it has is acknowledged.
extension EmbeddedWorld {
    /// The command writes its next line, or ends.
    func write() {
        if producer.written < producer.writtenAt.count, producer.writtenAt[producer.written] <= now {
            producer.written += 1
        } else {
            producer.hasEnded = true
        }
        if !producer.isAsking { schedule(.produce(request: producer.request), after: Int64(world.random.below(10))) }
    }

    /// Sends what has not been acknowledged.
    func produce(_ request: Int) {
        guard request == producer.request, !producer.isAsking, !producer.isDone, let server else { return }
        var after = producer.acknowledged
        if world.strikes(.appendTooEarly, 40) { after = after.advanced(by: 50) }
        guard let body = body(after: after) else { return }
        producer.request += 1
        producer.isAsking = true
        let (number, writer, board, id) = (producer.request, server.writer, board, executions[0].id)
        world.tell("the runner appends after \(after), request \(number)")
        let task = Task(executorPreference: executor) {
            do {
                let head = try await writer.append(body, to: id, after: after).head
                board.say(.answered(request: number, .success(head)))
            } catch {
                board.say(.answered(request: number, .failure(error as? LogStoreError ?? .unavailable("gone"))))
            }
        }
        self.server?.tasks.append(task)
    }

    /// What follows `offset`: the lines of those offsets, or what a full log still takes.
    private func body(after offset: Offset) -> AppendBody? {
        var encoder = BlockEncoder(after: offset)
        var hasLines = false
        if producer.isFull {
            if !producer.isNoticed {
                encoder.appendNotice(code: "log_limit", message: "full", timestamp: time(of: producer.written))
            }
        } else {
            var line = Int(offset.rawValue)
            let most = world.random.within(1...5)
            while line < producer.written, line < Int(offset.rawValue) + most {
                encoder.appendLine(LogLine(message: "line \(line)"), timestamp: time(of: line))
                hasLines = true
                line += 1
            }
            if line < producer.written { return AppendBody(block: encoder.finish(), hasLines: hasLines) }
        }
        let outcome = producer.hasEnded ? executions[0].outcome : nil
        if let outcome { encoder.appendEnd(outcome, timestamp: time(of: producer.writtenAt.count)) }
        guard let block = encoder.finish() else { return nil }
        if block.endsLog, offset == producer.acknowledged { producer.endOffset = block.last }
        return AppendBody(block: block, outcome: outcome, hasLines: hasLines)
    }

    private func time(of line: Int) -> Timestamp {
        let written = line < producer.writtenAt.count ? producer.writtenAt[line] : producer.endsAt
        return Timestamp(milliseconds: World.epoch + written)
    }

    func answer(_ request: Int, _ result: Result<LogHead, LogStoreError>) {
        guard request == producer.request, producer.isAsking else { return }
        producer.isAsking = false
        var delay = latency()
        switch result {
        case .success(let head):
            acknowledge(head)
        case .failure(.outOfOrder(let head)):
            world.require(
                head >= producer.acknowledged, .durableBeforeVisible,
                "\(producer.acknowledged) was acknowledged, and the log is at \(head)")
            // What it had sent before was taken, although it was told otherwise.
            if producer.isFull, head > producer.acknowledged { producer.isNoticed = true }
            producer.acknowledged = max(producer.acknowledged, head)
            if let end = producer.endOffset, head >= end { producer.isDone = true }
        case .failure(.ended):
            world.require(isEndedFromOutside, .end, "the log ended before its producer")
            producer.isDone = true
        case .failure(.logFull(let head)):
            world.require(head >= producer.acknowledged, .durableBeforeVisible, "the full log went back to \(head)")
            producer.acknowledged = head
            producer.isFull = true
        case .failure(.differentContent(let head)):
            world.require(false, .order, "a retry is taken for another's, at \(head)")
        case .failure:
            producer.failures += 1
            delay = Int64(world.random.within(50...2000))
        }
        if !producer.isDone { schedule(.produce(request: producer.request), after: delay) }
    }

    private func acknowledge(_ head: LogHead) {
        let durable = executions[0].head.log
        world.tell("acknowledged: \(head.offset)")
        world.require(
            head.offset <= durable.offset, .durableBeforeVisible,
            "\(head.offset) was acknowledged, and the log is at \(durable.offset)")
        if producer.isFull { producer.isNoticed = true }
        producer.acknowledged = max(producer.acknowledged, head.offset)
        if head.isEnded { producer.isDone = true }
    }

    func giveUpAsking(_ request: Int) {
        guard request == producer.request, producer.isAsking else { return }
        producer.isAsking = false
        schedule(.produce(request: producer.request), after: latency())
    }

    /// The server is gone: whatever it was asked is to be asked again.
    func producerLost() {
        guard producer.isAsking else { return }
        producer.request += 1
        producer.isAsking = false
    }

    /// Somebody else ends the log, as the server does for a runner that died with its machine.
    func endFromOutside() {
        guard !executions[0].isEnded else { return }
        guard let server else { return schedule(.endFromOutside, after: 1000) }
        world.tell("somebody else ends the log")
        isEndedFromOutside = true
        let (writer, board, id, outcome) = (server.writer, board, executions[0].id, executions[0].outcome)
        let task = Task(executorPreference: executor) {
            do {
                board.say(.ended(.success(try await writer.end(id, outcome))))
            } catch {
                board.say(.ended(.failure(error as? LogStoreError ?? .unavailable("gone"))))
            }
        }
        self.server?.tasks.append(task)
    }
}
