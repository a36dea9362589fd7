import Everyline
import NIOCore

/// The embedded form in one thread: a runner, a server that is killed and started again, a store, sockets and viewers. The
/// server is the real ``LogWriter``, ``LogFeed`` and ``Tail``, run by hand; the viewers are the real
/// ``ResumingTailStateMachine``. Store, network and time are simulated, and go wrong.
final class EmbeddedWorld: ViewerHost {
    enum Event {
        case write
        case produce(request: Int)
        case answer(request: Int, Result<LogHead, LogStoreError>)
        case giveUpAsking(request: Int)
        case effect(Int)
        case reply(Int)
        case tick
        case kill
        case stop
        case start
        case endFromOutside
        case connect(viewer: Int, token: Int)
        case arrive(socket: Int)
        case cut(socket: Int)
        case checkStall(socket: Int)
        case viewer(Int, token: Int, ViewerEvent)
        case silence(viewer: Int, socket: Int)
        case restart(viewer: Int)
        case faultsEnd
    }

    /// A step of a task, and what became of it.
    struct Operation {
        let entry: StepBoard.Entry
        var outcome: Outcome?
    }

    enum Outcome {
        case appended([Result<Appended, LogStoreError>])
        case head(LogHead)
        case read(LogRead)
        case failed
    }

    static let patience: Int64 = 300_000
    static let heartbeat: Int64 = 15_000
    static let stallLimit: Int64 = 60_000

    var world: World
    var heap = EventHeap<Event>()
    let executor = HandExecutor()
    var board = StepBoard()
    /// The execution as it is on the disk. There is one, at 0.
    var executions: [SimulatedExecution] = []
    var operations: [Operation?] = []
    var server: SimulatedServer?
    var servers = 0
    var sockets: [SimulatedSocket] = []
    var producer = SimulatedProducer()
    var viewers: [SimulatedViewer] = []
    var unfinished = 0
    var faultsEnd: Int64 = 0
    var logLimit: ByteCount = .gibibytes(1)
    var readLimit: ByteCount = 400
    /// Whether somebody beside the producer ends the log.
    var isEndedFromOutside = false

    init(_ world: World) { self.world = world }

    var now: Int64 { world.now }

    /// Plays one run to its end.
    func run(seed: UInt64, options: RunOptions) {
        world.begin(seed: seed, options: options)
        prepare(options)
        start()
        let deadline = faultsEnd + Self.patience
        while world.violation == nil, let (time, event) = heap.removeFirst() {
            if time > deadline || (unfinished == 0 && producer.isDone) { break }
            world.now = max(time, world.now)
            handle(event)
            runTasks()
        }
        if world.violation == nil { checkTheEnd() }
        shutDown()
    }

    private func handle(_ event: Event) {
        switch event {
        case .write: write()
        case .produce(let request): produce(request)
        case .answer(let request, let result): answer(request, result)
        case .giveUpAsking(let request): giveUpAsking(request)
        case .effect(let operation): effect(operation)
        case .reply(let operation): reply(operation)
        case .tick: tick()
        case .kill: if server != nil, world.strikes(.serverKilled, 1000) { kill() }
        case .stop: if server != nil, world.strikes(.serverStopped, 1000) { stop() }
        case .start: start()
        case .endFromOutside: endFromOutside()
        case .connect(let viewer, let token): connect(viewer, token)
        case .arrive(let socket): arrive(socket)
        case .cut(let socket): cut(socket)
        case .checkStall(let socket): checkStall(socket)
        case .viewer(let viewer, let token, let event): handle(event, of: viewer, token)
        case .silence(let viewer, let socket): checkSilence(of: viewer, on: socket)
        case .restart(let viewer): restart(viewer)
        case .faultsEnd:
            world.tell("   .. from here on nothing goes wrong any more")
            world.faults.isOver = true
        }
    }

    func schedule(_ event: Event, after delay: Int64) { heap.add(event, at: now + delay) }

    func schedule(_ event: ViewerEvent, of viewer: Int, token: Int, after delay: Int64) {
        schedule(.viewer(viewer, token: token, event), after: delay)
    }

    /// Nothing comes of it: the server knows by itself what its runners do.
    func asked(about execution: Int) {}

    func latency() -> Int64 {
        if world.faults.isOver { return Int64(1 + world.random.below(20)) }
        if world.random.chance(30) { return Int64(world.random.within(100...9000)) }
        return Int64(1 + world.random.below(30))
    }

    private func prepare(_ options: RunOptions) {
        heap.removeAll()
        board = StepBoard()
        operations.removeAll(keepingCapacity: true)
        sockets.removeAll(keepingCapacity: true)
        viewers.removeAll(keepingCapacity: true)
        servers = 0
        executions = [SimulatedExecution(id: Self.id)]
        readLimit = world.random.within(90...900)
        logLimit = world.strikes(.logFull, 200) ? world.random.within(0...600) : .gibibytes(1)
        isEndedFromOutside = false
        prepareProducer(options)
        let end = producer.endsAt
        faultsEnd = end + Int64(world.random.within(500...40_000))
        schedule(.faultsEnd, after: faultsEnd)
        for _ in 0..<world.random.below(3) {
            schedule(world.random.chance(500) ? .kill : .stop, after: Int64(world.random.below(Int(end) + 2000)))
        }
        if world.strikes(.appendRace, 380) {
            schedule(.endFromOutside, after: Int64(world.random.below(Int(end) + 1000)))
        }
        if world.random.chance(500) { schedule(.tick, after: Self.heartbeat) }
        prepareViewers(options, until: end)
    }

    private static let id: ExecutionID = {
        guard let id = ExecutionID("e") else { preconditionFailure("e is an id") }
        return id
    }()

    private func prepareProducer(_ options: RunOptions) {
        producer = SimulatedProducer()
        var clock: Int64 = 0
        for _ in 0..<min(world.random.within(0...14), options.lines) {
            if !world.random.chance(300) {
                clock += Int64(
                    world.random.chance(150) ? world.random.within(1000...30_000) : world.random.within(1...200))
            }
            producer.writtenAt.append(clock)
            heap.add(.write, at: clock)
        }
        producer.endsAt = clock + Int64(world.random.below(300))
        heap.add(.write, at: producer.endsAt)
    }

    private func prepareViewers(_ options: RunOptions, until end: Int64) {
        unfinished = 0
        for number in 0..<min(world.random.within(1...3), options.viewers) {
            var start = StreamStart.beginning
            if world.random.chance(150) {
                start = .notOlderThan(Timestamp(milliseconds: World.epoch + Int64(world.random.below(Int(end) + 1))))
            }
            var viewer = SimulatedViewer(execution: 0, start: start, machine: newMachine(from: start))
            if world.strikes(.slowViewer, 150) { viewer.pace = Int64(world.random.within(100...9000)) }
            let begins = Int64(world.random.below(Int(end) + 2000))
            if world.strikes(.stalledViewer, 150) {
                viewer.stallsAt = begins + Int64(world.random.below(Int(end) + 1000))
                if world.random.chance(700) {
                    viewer.stallsUntil = viewer.stallsAt + Int64(world.random.within(5000...100_000))
                }
            }
            if viewer.isToBeServed { unfinished += 1 }
            viewers.append(viewer)
            heap.add(.viewer(number, token: 0, .look), at: begins)
            if world.strikes(.viewerRestarted, 150) {
                heap.add(.restart(viewer: number), at: begins + Int64(world.random.below(30_000)))
            }
        }
    }
}
