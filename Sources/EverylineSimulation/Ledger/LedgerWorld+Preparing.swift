import Everyline

extension LedgerWorld {
    private static let ids = ["e0", "e1"].compactMap { ExecutionID($0) }
    private static let messages = (0..<64).map { "line \($0)" }

    /// Decides what this run looks like.
    func prepare(_ options: RunOptions) {
        settings = LedgerSettings()
        settings.frame = world.random.within(90...900)
        settings.pass = world.random.chance(300) ? world.random.within(1...3) : 64
        settings.pageSize = world.random.within(2...12)
        settings.batch = world.random.within(3...9)
        settings.limits = LedgerLimits()
        settings.limits.block = world.random.chance(300) ? 200 : 4000
        let isSmall = world.injects(.logFull, 150)
        if isSmall { settings.limits.log = world.random.within(0...500) }
        for number in 0..<(world.random.chance(250) ? 2 : 1) { prepareExecution(number, options) }
        let lastStop = executions.map(\.stoppedAt).max() ?? 0
        settings.faultsEnd = lastStop + Int64(world.random.within(1000...90_000))
        schedule(.faultsEnd, after: settings.faultsEnd)
        for execution in executions.indices {
            heap.add(.ask(execution: execution), at: settings.faultsEnd + Int64(world.random.below(60_000)))
        }
        prepareViewers(options, until: lastStop)
    }

    private func prepareExecution(_ number: Int, _ options: RunOptions) {
        var execution = SimulatedExecution(id: Self.ids[number])
        execution.lineCount = min(world.random.within(0...14), options.lines)
        execution.hasEnd = !world.injects(.scriptKilled, 250)
        var written: [(event: SourceEvent, at: Int64)] = []
        var clock: Int64 = 0
        for line in 0..<execution.lineCount {
            if !world.random.chance(350) {
                clock += Int64(
                    world.random.chance(150) ? world.random.within(1000...60_000) : world.random.within(1...300))
            }
            // The platform's clock may go back.
            let time = max(0, clock - Int64(world.random.chance(100) ? world.random.below(9000) : 0))
            written.append((SourceEvent(UInt64(line + 1), .line, Self.messages[line], at: Self.time(time)), clock))
        }
        if execution.hasEnd {
            clock += Int64(world.random.below(20))
            let (number, end) = (UInt64(execution.lineCount + 1), ScriptEnd(exitCode: 0))
            written.append((SourceEvent(number, .end(end), end.text, at: Self.time(clock)), clock))
        }
        execution.stoppedAt = clock + Int64(world.random.below(400))
        prepareSubscription(of: number, written)
        written = written.enumerated().sorted {
            ($0.element.event.timestamp, $0.offset) < ($1.element.event.timestamp, $1.offset)
        }.map(\.element)
        execution.source = written.map(\.event)
        execution.writtenAt = written.map(\.at)
        execution.shownAt = written.map { show(writtenAt: $0.at) }
        execution.batchesSent = batches.count { $0.execution == number }
        executions.append(execution)
        world.tell(
            "execution \(execution.id): \(execution.lineCount) lines\(execution.hasEnd ? "" : ", killed"), "
                + "stops at \(execution.stoppedAt) ms")
        let delay = Int64(world.random.chance(700) ? world.random.below(500) : world.random.within(500...40_000))
        if !world.injects(.lostStop, 250) { heap.add(.stop(execution: number), at: execution.stoppedAt + delay) }
        if world.injects(.doubledStop, 240) {
            heap.add(.stop(execution: number), at: execution.stoppedAt + delay + Int64(world.random.below(60_000)))
        }
    }

    private static func time(_ milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: World.epoch + milliseconds)
    }

    /// When the source shows an event: never, or sooner than the pause between two readings is over.
    private func show(writtenAt written: Int64) -> Int64 {
        guard world.injects(.lateInSource, 60) else { return written + Int64(world.random.below(1500)) }
        return world.random.chance(250) ? .max : written + Int64(world.random.within(100...9000))
    }

    /// Cuts what was written into the batches in which the subscription gives it on: late, twice, out of order, or
    /// never.
    private func prepareSubscription(of number: Int, _ written: [(event: SourceEvent, at: Int64)]) {
        var index = 0
        while index < written.count {
            let size = min(world.random.within(1...3), written.count - index)
            let overlap = index > 0 && world.injects(.doubledBatch, 60) ? 1 : 0
            var events = written[(index - overlap)..<(index + size)].map(\.event)
            index += size
            if world.injects(.reorderedBatch, 150) { events.shuffle(using: &world.random) }
            let time = written[index - 1].at
            var delay = Int64(world.random.within(10...900))
            if world.injects(.lateBatch, 120) { delay += Int64(world.random.within(2000...100_000)) }
            if world.injects(.lostBatch, 100) { continue }
            send(events, of: number, at: time + delay)
            if world.injects(.doubledBatch, 100) {
                send(events, of: number, at: time + delay + Int64(world.random.within(1...70_000)))
            }
        }
    }

    private func send(_ events: [SourceEvent], of execution: Int, at time: Int64) {
        heap.add(.ingest(batches.count), at: time)
        batches.append((execution, events))
    }

    private func prepareViewers(_ options: RunOptions, until lastStop: Int64) {
        let count = min(world.random.within(1...3), options.viewers)
        unfinished = 0
        for number in 0..<count {
            let execution = world.random.below(executions.count)
            var start = StreamStart.beginning
            // One that says nothing knows its first event only if that is the first of all.
            let isPlain = world.random.chance(200)
            if isPlain { settings.patience = 2_400_000 }
            if !isPlain, world.random.chance(150) {
                let time = World.epoch + Int64(world.random.below(Int(executions[execution].stoppedAt) + 1))
                start = .notOlderThan(Timestamp(milliseconds: time))
            }
            var viewer = SimulatedViewer(execution: execution, start: start, machine: newMachine(from: start))
            if isPlain { viewer.encoding = .lines }
            if world.injects(.slowViewer, 120) { viewer.pace = Int64(world.random.within(500...20_000)) }
            let begins = Int64(world.random.below(Int(lastStop) + 3000))
            if world.injects(.stalledViewer, 120) {
                viewer.stallsAt = begins + Int64(world.random.below(Int(lastStop) + 2000))
                if world.random.chance(700) {
                    viewer.stallsUntil = viewer.stallsAt + Int64(world.random.within(5000...200_000))
                }
            }
            if viewer.isToBeServed { unfinished += 1 }
            viewers.append(viewer)
            heap.add(.viewer(number, token: 0, .look), at: begins)
            if world.injects(.viewerRestarted, 120) {
                heap.add(.restart(viewer: number), at: begins + Int64(world.random.below(60_000)))
            }
        }
    }
}
