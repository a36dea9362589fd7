/// One run of one command: its id, who asked for it, and where it stands. Its log is read through a ``LogStore``.
package struct Execution: Sendable, Equatable {
    package let id: ExecutionID
    package let command: [String]
    package let owner: UserID
    /// Who appends to the log.
    package let producer: Producer
    /// The key that asked for it; what its producer may do falls with it. `nil` where that isn't known.
    package let key: APIKey.ID?
    package let place: CommandPlace
    package var status: ExecutionStatus
    package var exitCode: Int32?
    package var reason: ExecutionOutcome.Reason?
    package let createdAt: Timestamp
    /// When its producer first appended.
    package var startedAt: Timestamp?
    /// When it ended by its log's last event, within ``endTime(told:started:now:)``.
    package var endedAt: Timestamp?
    /// When a stop was first requested.
    package var stopRequestedAt: Timestamp?
    /// The user who requested it, where that is known.
    package var stoppedBy: UserID?
    /// When its producer was last heard of, as far as the store was told: it may be hours old.
    package var heardAt: Timestamp?
    /// The offset of the last event in its log.
    package var head: Offset
    /// What its log holds, in bytes of encoded lines.
    package var logBytes: ByteCount

    package enum Producer: String, Sendable {
        /// A runner that this server started.
        case runner
        /// A client that holds the execution's append token.
        case external
    }

    package init(
        id: ExecutionID, command: [String], owner: UserID, producer: Producer, key: APIKey.ID? = nil,
        place: CommandPlace = CommandPlace(), status: ExecutionStatus = .starting, exitCode: Int32? = nil,
        reason: ExecutionOutcome.Reason? = nil,
        createdAt: Timestamp, startedAt: Timestamp? = nil, endedAt: Timestamp? = nil,
        stopRequestedAt: Timestamp? = nil, stoppedBy: UserID? = nil, heardAt: Timestamp? = nil, head: Offset = .zero,
        logBytes: ByteCount = 0
    ) {
        self.id = id
        self.command = command
        self.owner = owner
        self.producer = producer
        self.key = key
        self.place = place
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.stopRequestedAt = stopRequestedAt
        self.stoppedBy = stoppedBy
        self.heardAt = heardAt
        self.head = head
        self.logBytes = logBytes
    }

    /// What its command and its place take in memory, more or less.
    package var commandBytes: ByteCount {
        command.reduce(place.bytes) { $0 + $1.utf8.count + MemoryLayout<String>.size }
    }

    /// When an execution ended: the time that the event at its end tells, because the server may receive that event
    /// only after a long outage. Never before the start nor after `now`, whatever the clock of the producer says.
    package static func endTime(told: Timestamp, started: Timestamp, now: Timestamp) -> Timestamp {
        max(started, min(told, now))
    }
}
