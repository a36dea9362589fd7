import Everyline
import EverylineProducer
import NIOCore
import Synchronization

/// Where the tasks of one producer's process leave what they wait for: time, their command, the server. Each wait
/// stands here until the world answers it, its task is cancelled, or the process dies.
final class ProducerBoard: Sendable {
    enum Wait: Sendable {
        case sleep(until: Duration)
        /// For output of a stream of the command.
        case output(stream: Int)
        case exit
        case append(ByteBuffer, after: Offset, in: Incarnation?)
        case pending(PendingLine, in: Incarnation?)
        case control
    }

    enum Reply: Sendable {
        case woken
        /// Empty at the end.
        case output(ByteBuffer)
        case exited(ExecutionOutcome)
        case appended(ProducerEndpoint.Appended)
        case pendingTaken
        case mustStop(Bool, in: Incarnation)
    }

    struct Entry: Sendable {
        let number: Int
        let wait: Wait
    }

    /// What a process says without waiting.
    enum Word: Sendable {
        case opened(Spool)
        case stop(StopReason)
        case finished(Uplink.Conclusion)
        case failed(String)
    }

    private struct State {
        var now = Duration.zero
        var last = 0
        var entries: [Entry] = []
        var words: [Word] = []
        var waiting: [Int: CheckedContinuation<Reply, any Error>] = [:]
        var isDead = false
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }
    /// The wall clock.
    var time: Timestamp { Timestamp(milliseconds: World.epoch + now.milliseconds) }

    func advance(to now: Int64) { state.withLock { $0.now = .milliseconds(now) } }

    func takeEntries() -> [Entry] {
        state.withLock { state in
            defer { state.entries.removeAll(keepingCapacity: true) }
            return state.entries
        }
    }

    func takeWords() -> [Word] {
        state.withLock { state in
            defer { state.words.removeAll(keepingCapacity: true) }
            return state.words
        }
    }

    func say(_ word: Word) {
        state.withLock { state in
            if !state.isDead { state.words.append(word) }
        }
    }

    /// Whether a task still waits for the answer.
    func isWaiting(_ number: Int) -> Bool { state.withLock { $0.waiting[number] != nil } }

    /// Ends a wait. Does nothing if it has ended already.
    func answer(_ number: Int, _ result: Result<Reply, any Error>) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(with: result)
    }

    /// - Throws: `CancellationError`, or what the world answers.
    func wait(for wait: Wait) async throws -> Reply {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let isOver = state.withLock { state in
                    if state.isDead || Task.isCancelled { return true }
                    state.waiting[number] = waiter
                    state.entries.append(Entry(number: number, wait: wait))
                    return false
                }
                if isOver { waiter.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            answer(number, .failure(CancellationError()))
        }
    }

    /// The process is gone: no wait of it is answered any more, and nothing that it says is heard.
    func markDead() {
        let waiting = state.withLock { state in
            state.isDead = true
            state.entries.removeAll()
            state.words.removeAll()
            defer { state.waiting.removeAll() }
            return state.waiting.sorted { $0.key < $1.key }
        }
        for (_, waiter) in waiting { waiter.resume(throwing: CancellationError()) }
    }
}

/// The time of a simulated producer's process.
struct SimulatedClock: Clock {
    struct Instant: InstantProtocol {
        let sinceStart: Duration

        func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }
        func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }
        static func < (left: Instant, right: Instant) -> Bool { left.sinceStart < right.sinceStart }
    }

    let board: ProducerBoard

    var now: Instant { Instant(sinceStart: board.now) }
    var minimumResolution: Duration { .milliseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        _ = try await board.wait(for: .sleep(until: deadline.sinceStart))
    }
}

/// One of the mutations: who waits for room fails at the second turn of waiting, as if a wait that timed out could not
/// be repeated.
final class ImpatientClock: Clock {
    typealias Instant = SimulatedClock.Instant

    private let clock: SimulatedClock
    private let timedOut = Mutex<Instant?>(nil)

    init(_ clock: SimulatedClock) { self.clock = clock }

    var now: Instant { clock.now }
    var minimumResolution: Duration { clock.minimumResolution }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        if timedOut.withLock({ $0 }) == now { throw CancellationError() }
        try await clock.sleep(until: deadline, tolerance: tolerance)
        timedOut.withLock { $0 = clock.now }
    }
}
