import Everyline
import EverylineProducer
import NIOCore

/// The embedded form in one thread: a runner, a server that is killed and started again, a store, sockets and viewers.
/// The server is the real ``LogWriter``, ``LogFeed`` and ``Tail``, run by hand; the viewers are the real
/// ``ResumingTailStateMachine``. Store, network and time are simulated, and go wrong.
final class EmbeddedWorld: ViewerHost {
    enum Event {
        case write
        case wake(ProducerLife, Int)
        case readOutput(ProducerLife, stream: Int)
        case exit(ProducerLife, Int)
        case arriveAtServer(request: Int)
        case answer(request: Int, Result<ProducerEndpoint.Appended, any Error>)
        case controlled(Control, Result<ProducerBoard.Reply, any Error>)
        case pendingArrives(PendingRequest)
        case pendingAnswered(PendingRequest, (any Error)?)
        case endControl(Control)
        case requestStop
        case successor
        case killProducer
        case losePower
        case disk(SimulatedDisk.Condition, lasting: Int64)
        case diskRecovers(SimulatedDisk.Condition)
        case effect(Int)
        case reply(Int)
        case tick
        case backUp
        case restore
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

    /// A step of a task, and its outcome.
    struct Operation {
        let entry: PendingSteps.Entry
        var outcome: Outcome?
    }

    enum Outcome {
        case appended([Result<Appended, LogStoreError>])
        case head(LogHead)
        case read(LogRead)
        case slept
        case failed(LogStoreError)
    }

    /// A producer's question whether it should stop.
    struct Control {
        let life: ProducerLife
        let wait: Int
    }

    static let patience: Int64 = 300_000
    static let heartbeat: Int64 = 10_000
    static let stallLimit: Int64 = 60_000

    var world: World
    var heap = EventHeap<Event>()
    let executor = ManualExecutor()
    var board = PendingSteps()
    /// The execution as it is on the disk. There is one, at 0.
    var executions: [SimulatedExecution] = []
    var operations: [Operation?] = []
    var server: SimulatedServer?
    var servers = 0
    var sockets: [SimulatedSocket] = []
    var producer = SimulatedProducer()
    /// Which wait of the producer's is for a stream's output.
    var outputWaits: [Int: Int] = [:]
    var controls: [Control] = []
    var viewers: [SimulatedViewer] = []
    var unfinished = 0
    var faultsEnd: Int64 = 0
    var logLimit: ByteCount = .gibibytes(1)
    var readLimit: ByteCount = 400
    /// The lives of the server's data.
    var history = LogHistory(in: incarnation(0))
    /// The newest backup of the data.
    var backup: (execution: SimulatedExecution, history: LogHistory)?
    var restores = 0
    /// Whether the server ends the log instead of its producer.
    var isEndedFromOutside = false

    init(_ world: World) { self.world = world }

    var now: Int64 { world.now }

    /// Plays one run to its end.
    func run(seed: UInt64, options: RunOptions) {
        world.begin(seed: seed, options: options)
        prepare(options)
        start()
        startLife()
        runTasks()
        let deadline = faultsEnd + Self.patience
        while world.violation == nil, let (time, event) = heap.removeFirst() {
            // After a restore a log can be open though its viewers and its producer are done: the server ends it.
            if time > deadline || (unfinished == 0 && producer.isDone && executions[0].isEnded) { break }
            world.now = max(time, world.now)
            producer.life?.board.advance(to: now)
            board.advance(to: now)
            handle(event)
            runTasks()
        }
        if world.violation == nil { checkTheEnd() }
        shutDown()
    }

    private func handle(_ event: Event) {
        switch event {
        case .write: write()
        case .wake(let life, let number): life.board.answer(number, .success(.woken))
        case .readOutput(let life, let stream): readOutput(life, stream)
        case .exit(let life, let number): exit(life, number)
        case .arriveAtServer(let request): arriveAtServer(request)
        case .answer(let request, let result): take(result, for: request)
        case .controlled(let control, let result): control.life.board.answer(control.wait, result)
        case .endControl(let control): endControl(control)
        case .pendingArrives(let request): pendingArrives(request)
        case .pendingAnswered(let request, let error):
            request.producer.answer(request.wait, error.map { .failure($0) } ?? .success(.pendingTaken))
        case .requestStop: requestStop()
        case .successor: startSuccessor()
        case .killProducer: if producer.life != nil, world.injects(.producerKilled, 1000) { killProducer() }
        case .losePower: if !producer.isDone, world.injects(.powerLost, 1000) { losePower() }
        case .disk(let condition, let duration): diskFails(condition, for: duration)
        case .diskRecovers(let condition): producer.disk.end(condition)
        case .effect(let operation): effect(operation)
        case .reply(let operation): reply(operation)
        case .tick: tick()
        case .backUp: backUp()
        case .restore: restore()
        case .kill: if server != nil, world.injects(.serverKilled, 1000) { kill() }
        case .stop: if server != nil, world.injects(.serverStopped, 1000) { stop() }
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
}
