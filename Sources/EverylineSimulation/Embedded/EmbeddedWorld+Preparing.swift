import Everyline
import EverylineProducer

// How a run begins: what is to be done in it, and what will go wrong.
extension EmbeddedWorld {
    func prepare(_ options: RunOptions) {
        heap.removeAll()
        board = PendingSteps()
        operations.removeAll(keepingCapacity: true)
        sockets.removeAll(keepingCapacity: true)
        viewers.removeAll(keepingCapacity: true)
        executor.isSpinning = false
        outputWaits.removeAll()
        controls.removeAll()
        servers = 0
        (history, backup, restores) = (LogHistory(in: Self.incarnation(0)), nil, 0)
        executions = [SimulatedExecution(id: Self.id)]
        readLimit = world.random.within(90...900)
        logLimit = world.injects(.logFull, 300) ? world.random.within(0...600) : .gibibytes(1)
        isEndedFromOutside = false
        prepareProducer(options)
        let end = producer.endsAt
        faultsEnd = end + Int64(world.random.within(500...40_000))
        schedule(.faultsEnd, after: faultsEnd)
        for _ in 0..<world.random.below(3) {
            schedule(world.random.chance(500) ? .kill : .stop, after: Int64(world.random.below(Int(end) + 2000)))
        }
        if world.injects(.appendRace, 290) {
            schedule(.endFromOutside, after: Int64(world.random.below(Int(end) + 1000)))
        }
        prepareFaults(until: end)
        if world.random.chance(500) { schedule(.tick, after: Self.heartbeat) }
        prepareViewers(options, until: end)
    }

    private static let id: ExecutionID = {
        guard let id = ExecutionID("e") else { preconditionFailure("e is an id") }
        return id
    }()

    private func prepareProducer(_ options: RunOptions) {
        let isSmall = world.injects(.spoolLimit, 400)
        let segment = world.random.within(50...700)
        producer = SimulatedProducer(
            settings: .init(
                limits: isSmall
                    ? .init(total: segment + world.random.within(1...1000), segment: segment)
                    : .init(segment: world.random.chance(500) ? segment : .mebibytes(16)),
                lineLimit: world.random.chance(300) ? 40 : .kibibytes(4), mutation: world.mutation,
                incarnation: Self.incarnation(0)))
        if world.mutation == .parts { producer.disk.begin(.forgetful) }
        producer.isForeground = world.random.chance(400)
        if world.injects(.slowLink, 300) { producer.rate = world.random.within(100...3000) }
        if world.random.chance(500) {
            // What passes in any case: a notice with an end, and a part of a line.
            producer.bodyLimit = world.random.within(560...1200)
        }
        var command = SimulatedCommand(
            streams: world.random.chance(250) ? 2 : 1, capacity: world.random.within(30...300))
        var clock: Int64 = 0
        for number in 0..<min(world.random.within(0...16), options.lines) {
            var pause: Int64 = 1
            if !world.random.chance(300) {
                pause = Int64(
                    world.random.chance(150) ? world.random.within(1000...20_000) : world.random.within(1...200))
            }
            clock += pause
            command.plan.append(
                .init(pause: pause, stream: world.random.below(command.pipes.count), bytes: text(number)))
        }
        producer.command = command
        producer.endsAt = clock + 300
    }

    /// A line, several, or a part of one; now and then one that no proxy takes which limits the size of bodies.
    private func text(_ number: Int) -> [UInt8] {
        var text = "line \(number)"
        if producer.bodyLimit < .max, world.random.chance(100) {
            text += String(repeating: " e\"\u{1}", count: world.random.within(50...300))
        }
        if world.random.chance(150) { text += String(repeating: " and more", count: world.random.within(1...12)) }
        if world.random.chance(200) { text += "\nand another" }
        if !world.random.chance(200) { text += "\n" }
        return Array(text.utf8)
    }

    private func prepareFaults(until end: Int64) {
        let within = Int(end) + 1500
        let conditions: [SimulatedDisk.Condition] = [.full, .noInodes, .away, .unreadable, .short]
        for condition in conditions {
            for _ in 0..<2 where world.random.chance(220) {
                let isLong = world.random.chance(150)
                // A spool that can't be read is given up after half a minute; every other fault is waited for.
                let longest = condition == .unreadable ? 40_000 : 8000
                let duration = isLong ? world.random.within(3000...longest) : world.random.within(100...2000)
                heap.add(.disk(condition, lasting: Int64(duration)), at: Int64(world.random.below(within)))
            }
        }
        for _ in 0..<2 where world.random.chance(250) {
            heap.add(.killProducer, at: Int64(world.random.below(within)))
        }
        if world.random.chance(400) { heap.add(.losePower, at: Int64(world.random.below(within))) }
        for _ in 0..<2 where world.random.chance(200) {
            let time = Int64(world.random.below(within))
            heap.add(.backUp, at: time)
            heap.add(.restore, at: time + Int64(world.random.within(1...20_000)))
        }
        if world.random.chance(380) { heap.add(.requestStop, at: Int64(world.random.below(within))) }
    }

    func diskFails(_ condition: SimulatedDisk.Condition, for duration: Int64) {
        let fault: Fault =
            switch condition {
            case .full: .diskFull
            case .noInodes: .noInodes
            case .away: .diskAway
            case .unreadable: .diskUnreadable
            default: .shortWrite
            }
        guard !producer.isDone, world.injects(fault, 1000) else { return }
        if condition == .unreadable { producer.wasUnreadable = true }
        if condition == .full, world.mutation == .heldOutput { producer.disk.begin(.lying) }
        producer.disk.begin(condition, free: world.random.below(100))
        schedule(.diskRecovers(condition), after: duration)
    }

    private func prepareViewers(_ options: RunOptions, until end: Int64) {
        unfinished = 0
        for number in 0..<min(world.random.within(1...3), options.viewers) {
            var start = StreamStart.beginning
            if world.random.chance(150) {
                start = .notOlderThan(Timestamp(milliseconds: World.epoch + Int64(world.random.below(Int(end) + 1))))
            }
            var viewer = SimulatedViewer(execution: 0, start: start, machine: newMachine(from: start))
            if world.injects(.slowViewer, 150) { viewer.pace = Int64(world.random.within(100...9000)) }
            let begins = Int64(world.random.below(Int(end) + 2000))
            if world.injects(.stalledViewer, 150) {
                viewer.stallsAt = begins + Int64(world.random.below(Int(end) + 1000))
                if world.random.chance(700) {
                    viewer.stallsUntil = viewer.stallsAt + Int64(world.random.within(5000...100_000))
                }
            }
            if viewer.isToBeServed { unfinished += 1 }
            viewers.append(viewer)
            heap.add(.viewer(number, token: 0, .look), at: begins)
            if world.injects(.viewerRestarted, 150) {
                heap.add(.restart(viewer: number), at: begins + Int64(world.random.below(30_000)))
            }
        }
    }
}
