import Everyline
import NIOCore

/// One life of the embedded server's process: the real ``LogWriter`` and ``LogFeed``, and the tasks that run in it.
struct SimulatedServer {
    let number: Int
    let feed: LogFeed
    let writer: LogWriter
    let writing: Task<Void, Never>
    var tasks: [Task<Void, Never>] = []
    /// The last event that its tails were told of.
    var announced = Offset.zero

    init(number: Int, board: PendingSteps, executor: ManualExecutor) {
        self.number = number
        let feed = LogFeed(recentLimit: 700)
        let store = BoardLogStore(board: board, server: number, stream: -1)
        let writer = LogWriter(store: store, feed: feed, executor: executor, now: { .epoch })
        self.feed = feed
        self.writer = writer
        self.writing = Task(executorPreference: executor) { await writer.run() }
    }
}

/// What the server does for one viewer: as its `ViewerStream`, over the world's sockets.
struct SimulatedStream: Sendable {
    let number: Int
    let board: PendingSteps
    let store: BoardLogStore
    let frameLimit: ByteCount

    func run(_ tail: consuming some LogFollowing) async {
        do {
            while true {
                switch try await tail.next() {
                case .blocks(let blocks):
                    board.say(.took(stream: number, blocks))
                    try await store.send(StreamEncoding.blocks.messages(of: blocks, frameLimit: frameLimit))
                case .pending(let line):
                    if let message = StreamEncoding.blocks.pending(line) { try await store.send([message]) }
                case .idle(let head):
                    if let heartbeat = StreamEncoding.blocks.heartbeat(head: head) { try await store.send([heartbeat]) }
                case .ended:
                    return board.say(.closed(stream: number, code: 1000))
                }
            }
        } catch is LogStoreError {
            board.say(.closed(stream: number, code: 1013))
        } catch {
            board.say(.closed(stream: number, code: 1001))
        }
    }
}

/// What a stream follows: the real tail, or one with a mechanism switched off.
protocol LogFollowing: Sendable {
    mutating func next() async throws -> Tail.Step
}

extension Tail: LogFollowing {}

/// One of the mutations: it notes the version only after it has read, so that what is announced between the two is
/// missed.
struct ForgetfulTail: LogFollowing {
    let execution: ExecutionID
    var offset: Offset
    let store: BoardLogStore
    let subscription: LogFeed.Subscription
    let limit: ByteCount
    var hasEnded = false

    mutating func next() async throws -> Tail.Step {
        while !hasEnded {
            if let blocks = try await read() {
                if let last = blocks.last {
                    offset = last.last
                    hasEnded = last.endsLog
                }
                return blocks.isEmpty ? .ended : .blocks(blocks)
            }
            let version = subscription.version
            if try await subscription.wait(past: version) == .tick { return .idle(head: offset) }
        }
        return .ended
    }

    private mutating func read() async throws -> [EventBlock]? {
        switch subscription.recent(after: offset, limit: limit) {
        case .blocks(let blocks): return blocks
        case .upToDate: return nil
        case .unknown: break
        }
        let read = try await store.read(execution, after: offset, limit: limit)
        if let block = read.block { return [block] }
        guard read.head.isEnded else { return nil }
        hasEnded = true
        return []
    }
}
