import Everyline

extension LedgerWorld {
    private static let ids = ["e0", "e1"].compactMap { ExecutionID($0) }
    private static let names = (0..<64).map { String($0) }
    private static let messages = (0..<64).map { "line \($0)" }

    /// Decides what this run looks like.
    func prepare(_ options: RunOptions) {
        settings = LedgerSettings()
        settings.frame = world.random.within(90...900)
        settings.turn = world.random.chance(300) ? world.random.within(1...3) : 64
        settings.pageSize = world.random.within(2...12)
        settings.logBatch = world.random.within(3...9)
        settings.limits = DrainLimits(quietScans: 2, patientScans: 4, scans: 20)
        settings.limits.sequencer.block = world.random.chance(300) ? 200 : 4000
        let isSmall = world.strikes(.logFull, 150)
        if isSmall { settings.limits.sequencer.log = world.random.within(0...500) }
        for number in 0..<(world.random.chance(250) ? 2 : 1) { prepareExecution(number, options) }
        let lastStop = executions.map(\.stoppedAt).max() ?? 0
        settings.faultsEnd = lastStop + Int64(world.random.within(1000...90_000))
        schedule(.faultsEnd, after: settings.faultsEnd)
        for execution in executions.indices {
            prepareSubscription(of: execution)
            heap.add(.ask(execution: execution), at: settings.faultsEnd + Int64(world.random.below(60_000)))
        }
        prepareViewers(options, until: lastStop)
    }

    private func prepareExecution(_ number: Int, _ options: RunOptions) {
        var execution = SimulatedExecution(id: Self.ids[number])
        execution.lineCount = min(world.random.within(0...14), options.lines)
        execution.hasSentinel = !world.strikes(.missingSentinel, 250)
        var clock: Int64 = 0
        for line in 0..<execution.lineCount {
            if !world.random.chance(350) {
                clock += Int64(
                    world.random.chance(150) ? world.random.within(1000...60_000) : world.random.within(1...300))
            }
            // Within one millisecond, ids don't follow the order of writing.
            let id = Self.names[line ^ 1]
            let time = Timestamp(milliseconds: World.epoch + clock)
            execution.source.append(SourceEvent(id: id, timestamp: time, message: Self.messages[line]))
            execution.writtenAt.append(clock)
        }
        if execution.hasSentinel {
            clock += Int64(world.random.below(20))
            let message = FinalSentinel(lines: execution.lineCount).message(of: execution.id)
            let time = Timestamp(milliseconds: World.epoch + clock)
            execution.source.append(SourceEvent(id: "z", timestamp: time, message: message))
            execution.writtenAt.append(clock)
        }
        execution.source.sort()
        execution.stoppedAt = clock + Int64(world.random.below(400))
        execution.shownAt = execution.writtenAt.indices.map { show($0, of: &execution) }
        executions.append(execution)
        world.tell(
            "execution \(execution.id): \(execution.lineCount) lines\(execution.hasSentinel ? ", counted" : ""), "
                + "stops at \(execution.stoppedAt) ms")
        let delay = Int64(world.random.chance(700) ? world.random.below(500) : world.random.within(500...40_000))
        if !world.strikes(.lostStop, 250) { heap.add(.stop(execution: number), at: execution.stoppedAt + delay) }
        if world.strikes(.doubledStop, 240) {
            heap.add(.stop(execution: number), at: execution.stoppedAt + delay + Int64(world.random.below(60_000)))
        }
    }

    /// When the source shows an event. Where nobody counted the lines, never later than two scans that find nothing.
    private func show(_ index: Int, of execution: inout SimulatedExecution) -> Int64 {
        let written = execution.writtenAt[index]
        let isLine = execution.source[index].id != "z"
        if execution.hasSentinel, isLine, world.strikes(.lateInSource, 60) {
            if world.random.chance(150) {
                execution.withheld += 1
                return .max
            }
            return written + Int64(world.random.within(100...9000))
        }
        return written + Int64(world.random.below(Int(Self.pause) / 2))
    }

    /// Cuts what was written into the batches in which the subscription gives it on: late, twice, out of order, or never.
    private func prepareSubscription(of number: Int) {
        let execution = executions[number]
        var index = 0
        while index < execution.source.count {
            let size = min(world.random.within(1...3), execution.source.count - index)
            let overlap = index > 0 && world.strikes(.doubledBatch, 60) ? 1 : 0
            var events = Array(execution.source[(index - overlap)..<(index + size)])
            index += size
            if world.strikes(.reorderedBatch, 150) { events.shuffle(using: &world.random) }
            let written = execution.writtenAt[index - 1]
            var delay = Int64(world.random.within(10...900))
            if world.strikes(.lateBatch, 120) { delay += Int64(world.random.within(2000...100_000)) }
            if world.strikes(.lostBatch, 100) { continue }
            send(events, of: number, at: written + delay)
            if world.strikes(.doubledBatch, 100) {
                send(events, of: number, at: written + delay + Int64(world.random.within(1...70_000)))
            }
        }
    }

    private func send(_ events: [SourceEvent], of execution: Int, at time: Int64) {
        executions[execution].batchesSent += 1
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
            if isPlain { viewer.form = .lines }
            if world.strikes(.slowViewer, 120) { viewer.pace = Int64(world.random.within(500...20_000)) }
            let begins = Int64(world.random.below(Int(lastStop) + 3000))
            if world.strikes(.stalledViewer, 120) {
                viewer.stallsAt = begins + Int64(world.random.below(Int(lastStop) + 2000))
                if world.random.chance(700) {
                    viewer.stallsUntil = viewer.stallsAt + Int64(world.random.within(5000...200_000))
                }
            }
            if viewer.isToBeServed { unfinished += 1 }
            viewers.append(viewer)
            heap.add(.viewer(number, token: 0, .look), at: begins)
            if world.strikes(.viewerRestarted, 120) {
                heap.add(.restart(viewer: number), at: begins + Int64(world.random.below(60_000)))
            }
        }
    }
}
