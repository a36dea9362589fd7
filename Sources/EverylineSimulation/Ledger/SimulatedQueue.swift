import Everyline

enum QueueName: Int, CaseIterable {
    case logs, notifications, reconciling

    var visibility: Int64 {
        switch self {
        case .logs: 60_000
        case .notifications: 60_000
        case .reconciling: 180_000
        }
    }

    /// Fewer than there are in an account, so that messages are given up at all; but no
    /// notification before its connection is made.
    var maximumReceives: Int {
        switch self {
        case .logs: 4
        case .notifications: 20
        case .reconciling: 20
        }
    }
}

/// A queue that keeps the order within groups, as SQS FIFO does: while one of a group's messages is in flight, no other
/// of the group is given out, and what was not deleted in time comes again. (In a standard queue each message is a
/// group.)
struct SimulatedQueue {
    struct Message {
        let body: String
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

    var messages: [Message] = []
    private var groups: [[Int]] = []

    mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        for index in groups.indices { groups[index].removeAll(keepingCapacity: true) }
    }

    mutating func add(_ body: String, of execution: Int, group: Int) {
        while groups.count <= group { groups.append([]) }
        groups[group].append(messages.count)
        messages.append(Message(body: body, execution: execution, group: group))
    }

    /// The next messages of the group, up to `limit`; none while one of them is in flight.
    mutating func receive(group: Int, limit: Int, by worker: Int) -> [Int] {
        guard groups.indices.contains(group) else { return [] }
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
    mutating func deadLetter(_ index: Int) { messages[index].state = .gone }
}
