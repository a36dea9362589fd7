import Everyline

/// The AWS form in one thread: a platform's log with its subscription, two queues, workers, a ledger, connections, a
/// gateway and viewers. The workers are the functions that ship (``WarmFunctions``), the viewers the real
/// ``ResumingTailStateMachine`` over the real ``GatewaySession``; everything they talk to is simulated, and goes wrong.
final class LedgerWorld: ViewerHost {
    enum Event {
        /// A batch of the subscription reaches the queue.
        case ingest(Int)
        /// The platform says that the execution has stopped.
        case stop(execution: Int)
        case poll(QueueName, group: Int)
        case visible(QueueName, message: Int, receipt: Int)
        case effect(step: Int)
        case answer(step: Int)
        /// A function has used up its time.
        case timeOut(process: Int)
        /// The queue is told the outcome of a batch.
        case settle(process: Int)
        case hear(link: Int, message: ViewerMessage)
        case arrive(link: Int)
        case connect(viewer: Int, token: Int)
        case connected(link: Int)
        case cut(link: Int)
        case farewell(link: Int, code: UInt16)
        case disconnected(name: Int)
        case idle(link: Int)
        case viewer(Int, token: Int, ViewerEvent)
        case silence(viewer: Int, link: Int)
        case restart(viewer: Int)
        /// A client that isn't connected asks the API for an execution.
        case ask(execution: Int)
        case faultsEnd
    }

    static let lease = Duration.seconds(30)
    static let pause: Int64 = 15_000
    static let margin = Duration.seconds(60)
    /// How long the gateway's integration may take, and the gateway with its answer.
    static let connectLimit: Int64 = 9000
    static let idleLimit: Int64 = 600_000
    static let probeInterval: Int64 = 60_000

    var world: World
    var heap = EventHeap<Event>()
    var executions: [SimulatedExecution] = []
    /// What the subscription brings.
    var batches: [(execution: Int, events: [SourceEvent])] = []
    var queues = QueueName.allCases.map { _ in SimulatedQueue() }
    let board = FunctionBoard()
    let executor = ManualExecutor()
    /// What runs in a process of a function; another when one has crashed.
    lazy var functions = WarmFunctions(on: board, settings: settings, probes: true)
    var processes: [SimulatedProcess] = []
    var steps: [SimulatedProcess.Step] = []
    var links: [SimulatedLink] = []
    /// By connection id: the link that has it now, the execution that it stands for, and the records.
    var linkOf: [Int] = []
    var executionOf: [Int] = []
    var records: [[ViewerConnection?]] = []
    var viewers: [SimulatedViewer] = []
    var unfinished = 0
    var settings = LedgerSettings()

    init(_ world: World) { self.world = world }

    var now: Int64 { world.now }

    /// Plays one run to its end.
    func run(seed: UInt64, options: RunOptions) {
        reset()
        world.begin(seed: seed, options: options)
        prepare(options)
        board.batches = batches.map(\.events)
        functions = WarmFunctions(on: board, settings: settings, probes: options.mutation != .probe)
        let deadline = settings.faultsEnd + settings.patience
        while world.violation == nil, let (time, event) = heap.removeFirst() {
            if time > deadline || isDone { break }
            world.now = max(time, world.now)
            handle(event)
        }
        if world.violation == nil { checkTheEnd() }
        for process in processes { abandon(process) }
    }

    private var isDone: Bool {
        unfinished == 0 && executions.allSatisfy { $0.isEnded && $0.batchesSent == $0.batchesDone }
    }

    private func reset() {
        board.removeAll()
        heap.removeAll()
        executions.removeAll(keepingCapacity: true)
        batches.removeAll(keepingCapacity: true)
        for queue in queues.indices { queues[queue].removeAll() }
        processes.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
        links.removeAll(keepingCapacity: true)
        linkOf.removeAll(keepingCapacity: true)
        executionOf.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: true)
        viewers.removeAll(keepingCapacity: true)
    }

    private func handle(_ event: Event) {
        switch event {
        case .ingest(let batch): ingest(batch)
        case .stop(let execution): stop(execution)
        case .poll(let queue, let group): poll(queue, group: group)
        case .visible(let queue, let message, let receipt): show(queue, message, receipt)
        case .effect(let step): effect(step)
        case .answer(let step): answer(step)
        case .timeOut(let process): end(processes[process])
        case .settle(let process): settle(processes[process])
        case .hear(let link, let message): hear(link, message)
        case .arrive(let link): arrive(link)
        case .connect(let viewer, let token): connect(viewer, token)
        case .connected(let link): connected(link)
        case .cut(let link): cut(link, because: "the connection breaks")
        case .farewell(let link, let code): farewell(link, code: code)
        case .disconnected(let name): disconnected(name)
        case .idle(let link): checkIdle(link)
        case .viewer(let viewer, let token, _) where viewers[viewer].encoding == .lines: begin(plain: viewer, token)
        case .viewer(let viewer, let token, let event): handle(event, of: viewer, token)
        case .silence(let viewer, let link): checkSilence(of: viewer, on: link)
        case .restart(let viewer): restart(viewer)
        case .ask(let execution): askAsStranger(about: execution)
        case .faultsEnd:
            world.tell("   .. from here on nothing goes wrong any more")
            world.faults.isOver = true
        }
    }

    func schedule(_ event: Event, after delay: Int64) { heap.add(event, at: now + delay) }

    /// How long one step takes: usually little, sometimes longer than a lease or a message's visibility.
    func latency() -> Int64 {
        if world.faults.isOver { return Int64(1 + world.random.below(30)) }
        let dice = world.random.below(1000)
        if dice < 12 { return Int64(world.random.within(20_000...130_000)) }
        if dice < 40 { return Int64(world.random.within(200...8000)) }
        return Int64(1 + world.random.below(60))
    }
}

/// What one run looks like.
struct LedgerSettings {
    var faultsEnd: Int64 = 0
    /// How long after the last fault everything must have been done by itself. A viewer that says nothing comes back
    /// only when the gateway has closed its silent connection, perhaps more than once.
    var patience: Int64 = 480_000
    /// How many bytes of events fit into one frame.
    var frame: ByteCount = 400
    /// How many blocks a pass may send.
    var pass = 64
    var limits = LedgerLimits()
    var pageSize = 10
    /// How many messages of a group are taken at once.
    var batch = 1
}
