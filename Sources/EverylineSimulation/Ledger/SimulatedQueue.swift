import Everyline

/// A queue that keeps the order within groups, as SQS FIFO does: while one of a group's messages is in flight, no other of
/// the group is given out, and what was not deleted in time comes again.
struct SimulatedQueue {
    enum Body {
        case lines([SourceEvent])
        case reconcile(isStopped: Bool, request: Reconciler.Request)
        case ring(connection: Int)
    }

    struct Message {
        let body: Body
        let execution: Int
        let group: Int
        var receives = 0
        /// Changes with each receive; a deletion by an older one is refused.
        var receipt = 0
        var state = State.waiting
        /// Who received it last.
        var worker = -1
    }

    enum State {
        case waiting, inFlight, gone
    }

    let visibility: Int64
    let maximumReceives: Int
    var messages: [Message] = []
    private var groups: [[Int]] = []

    init(visibility: Int64, maximumReceives: Int) {
        self.visibility = visibility
        self.maximumReceives = maximumReceives
    }

    mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        for index in groups.indices { groups[index].removeAll(keepingCapacity: true) }
    }

    mutating func add(_ body: Body, of execution: Int, group: Int) {
        while groups.count <= group { groups.append([]) }
        groups[group].append(messages.count)
        messages.append(Message(body: body, execution: execution, group: group))
    }

    /// The next messages of the group, up to `limit`; none while one of them is in flight.
    mutating func receive(group: Int, limit: Int, by worker: Int) -> [Int] {
        guard group < groups.count else { return [] }
        groups[group].removeAll { messages[$0].state == .gone }
        guard !groups[group].contains(where: { messages[$0].state == .inFlight }) else { return [] }
        let taken = Array(groups[group].prefix(limit))
        for index in taken {
            messages[index].receives += 1
            messages[index].receipt += 1
            messages[index].state = .inFlight
            messages[index].worker = worker
        }
        return taken
    }

    /// Deletes a message; refused if it was given out again meanwhile.
    mutating func delete(_ index: Int, receipt: Int) -> Bool {
        guard messages[index].receipt == receipt, messages[index].state == .inFlight else { return false }
        messages[index].state = .gone
        return true
    }

    /// Lets a message be seen again. Says whether it was in flight by that receipt.
    mutating func show(_ index: Int, receipt: Int) -> Bool {
        guard messages[index].receipt == receipt, messages[index].state == .inFlight else { return false }
        messages[index].state = .waiting
        return true
    }

    /// Takes a message out that was received too often.
    mutating func bury(_ index: Int) { messages[index].state = .gone }

    var isEmpty: Bool { messages.allSatisfy { $0.state == .gone } }

    /// How many messages of the group have not been deleted.
    func waitingCount(group: Int) -> Int {
        group < groups.count ? groups[group].count { messages[$0].state != .gone } : 0
    }
}
