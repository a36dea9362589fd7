import Everyline
import NIOCore

/// The AWS form in one thread: a platform's log with its subscription, two queues, workers, a ledger, connections, a gateway
/// and viewers. The workers are the real ``Sequencer``, ``Reconciler``, ``Delivery`` and ``Reception``, the viewers the real
/// ``ResumingTailStateMachine`` over the real ``GatewaySession``; everything they talk to is simulated, and goes wrong.
final class LedgerWorld: ViewerHost {
    enum Event {
        /// A batch of the subscription reaches the queue.
        case ingest(Int)
        /// The platform says that the execution has stopped.
        case stop(execution: Int)
        case pollLogs(group: Int)
        case pollReconcile(message: Int)
        case reconcileVisible(message: Int, receipt: Int)
        case pollRings(group: Int)
        case logVisible(message: Int, receipt: Int)
        case ringVisible(message: Int, receipt: Int)
        case effect(process: Int)
        case answer(process: Int)
        /// The queue is told what became of a batch.
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
    static let logVisibility: Int64 = 60_000
    static let ringVisibility: Int64 = 40_000
    static let reconcileVisibility: Int64 = 180_000
    static let pause: Int64 = 15_000
    static let margin = Duration.seconds(60)
    static let idleLimit: Int64 = 600_000
    static let lookInterval: Int64 = 60_000

    var world: World
    var heap = EventHeap<Event>()
    var executions: [SimulatedExecution] = []
    /// What the subscription brings.
    var batches: [(execution: Int, events: [SourceEvent])] = []
    var logs = SimulatedQueue(visibility: LedgerWorld.logVisibility, maximumReceives: 4)
    var rings = SimulatedQueue(visibility: LedgerWorld.ringVisibility, maximumReceives: 5)
    var reconciling = SimulatedQueue(visibility: LedgerWorld.reconcileVisibility, maximumReceives: 20)
    let board = LedgerBoard()
    let executor = ManualExecutor()
    var processes: [SimulatedProcess] = []
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
        logs.removeAll()
        rings.removeAll()
        reconciling.removeAll()
        processes.removeAll(keepingCapacity: true)
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
        case .pollLogs(let group): pollLogs(group)
        case .pollRings(let group): pollRings(group)
        case .pollReconcile(let message): pollReconcile(message)
        case .reconcileVisible(let message, let receipt): showReconcile(message, receipt)
        case .logVisible(let message, let receipt): showLog(message, receipt)
        case .ringVisible(let message, let receipt): showRing(message, receipt)
        case .effect(let process): effect(processes[process])
        case .answer(let process): answer(processes[process])
        case .settle(let process): settle(processes[process])
        case .hear(let link, let message): hear(link, message)
        case .arrive(let link): arrive(link)
        case .connect(let viewer, let token): connect(viewer, token)
        case .connected(let link): connected(link)
        case .cut(let link): cut(link, because: "the connection breaks")
        case .farewell(let link, let code): farewell(link, code: code)
        case .disconnected(let name): disconnected(name)
        case .idle(let link): checkIdle(link)
        case .viewer(let viewer, let token, _) where viewers[viewer].form == .lines: begin(plain: viewer, token)
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
    /// How long after the last fault everything must have been done by itself. A viewer that says nothing comes back only when
    /// the gateway has closed its silent connection, perhaps more than once.
    var patience: Int64 = 480_000
    /// How many bytes of events fit into one frame.
    var frame: ByteCount = 400
    /// How many blocks a turn may send.
    var turn = 64
    var limits = LedgerLimits()
    var pageSize = 10
    var logBatch = 1
}
