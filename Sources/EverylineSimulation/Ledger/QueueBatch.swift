/// Which messages of a received batch go back to a queue that keeps the order within groups (SQS FIFO).
///
/// Once one message of a group could not be dealt with, none behind it may be: all of them go back, tried or not. The other
/// groups go on.
struct QueueBatch: Sendable {
    /// The ids to report as failed, in the order in which they came.
    private(set) var failures: [String] = []
    private var blockedGroups: Set<String> = []

    init() {}

    /// Whether the group's next message may be dealt with; if not, it has gone back.
    mutating func admits(_ id: String, group: String) -> Bool {
        guard blockedGroups.contains(group) else { return true }
        failures.append(id)
        return false
    }

    /// The message that was admitted could not be dealt with.
    mutating func fail(_ id: String, group: String) {
        failures.append(id)
        blockedGroups.insert(group)
    }
}
