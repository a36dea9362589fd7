package import NIOCore
import Synchronization

/// One of those that begin their next request when it is their turn.
protocol TurnTaker: AnyObject {
    /// Begins one request, and says to the queue when it is done with; at once, if there is none.
    func takeTurn()
}

/// The order in which the connections of an event loop begin the requests that they hold back: one after another, and
/// the loop looks after everything else in between.
///
/// An event loop runs what is ready until nothing is, and only then looks at its sockets. Requests that come to it in
/// one piece would all be answered first. So between two turns there is a pause in which nothing is ready.
///
/// On its event loop.
package final class TurnQueue {
    private let eventLoop: any EventLoop
    private let pause: TimeAmount
    /// A request that takes longer waits for something else, and the next may begin meanwhile.
    private let longest: TimeAmount
    private var waiting = CircularBuffer<any TurnTaker>()
    private var current: (any TurnTaker)?
    private var timer: Scheduled<Void>?

    init(on eventLoop: any EventLoop, pause: Duration = .microseconds(250), longest: Duration = .milliseconds(5)) {
        self.eventLoop = eventLoop
        self.pause = TimeAmount(pause)
        self.longest = TimeAmount(longest)
    }

    /// Asks for a turn, behind all who asked before.
    func ask(for taker: any TurnTaker) {
        waiting.append(taker)
        if current == nil, timer == nil { schedule(in: pause) }
    }

    /// The request that was begun is answered, or there was none. Without effect for one whose turn it isn't.
    func done(_ taker: any TurnTaker) {
        guard current === taker else { return }
        current = nil
        timer?.cancel()
        timer = nil
        if !waiting.isEmpty { schedule(in: pause) }
    }

    private func schedule(in time: TimeAmount) {
        timer = eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in self?.next() }
    }

    private func next() {
        timer = nil
        current = waiting.popFirst()
        guard let current else { return }
        schedule(in: longest)
        current.takeTurn()
    }
}

/// The queues of a server's event loops.
package final class TurnQueues: Sendable {
    private let queues = Mutex<[ObjectIdentifier: NIOLoopBound<TurnQueue>]>([:])

    package init() {}

    /// The queue of this event loop. On that loop.
    package func queue(of eventLoop: any EventLoop) -> TurnQueue {
        let found = queues.withLock { queues in
            let found =
                queues[ObjectIdentifier(eventLoop)] ?? NIOLoopBound(TurnQueue(on: eventLoop), eventLoop: eventLoop)
            queues[ObjectIdentifier(eventLoop)] = found
            return found
        }
        return found.value
    }
}
