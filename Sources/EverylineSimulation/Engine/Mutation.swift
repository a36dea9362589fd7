/// A mechanism that can be switched off in the simulation, to see that the simulation notices.
package enum Mutation: String, CaseIterable, Sendable {
    /// A sender moves the cursor whether or not it still has the lock.
    case fence
    /// The ledger appends wherever the head is by now.
    case compareAndSet = "compare-and-set"
    /// A line that the log holds is appended again when it comes again.
    case numbers
    /// What comes too early is not kept.
    case keptRuns = "kept-runs"
    /// No notice says that lines are missing.
    case silentGap = "silent-gap"
    /// Lines are given up after one reading.
    case secondReading = "second-reading"
    /// Holes are filled, and logs ended, without a look at the source.
    case reconcile
    /// Viewers are sent to before they have resumed.
    case resumeFirst = "resume-first"
    /// A connection that the gateway doesn't know counts as gone, also while it is being made.
    case settling
    /// A task that has stopped unheard is never probed.
    case probe
    /// Viewers don't ping, and wait for ever.
    case ping
    /// The cursor moves before the block is posted.
    case postBeforeCommit = "post-before-commit"
    /// Viewers are told of the end beside the log.
    case endAsEvent = "end-as-event"
    /// A tail notes the version after it has read.
    case wakeupRecheck = "wake-up-recheck"
    /// A resumption begins after the time of the viewer's last event instead of after its offset.
    case timestampCursor = "timestamp-cursor"
    /// A pending line stands behind the log's head instead of the event that its producer names, and outlives the event
    /// that ended it.
    case pendingPlace = "pending-place"
    /// The pump's wait for room can't be repeated once it has timed out.
    case waitForRoom = "wait-for-room"
    /// What a full disk doesn't take counts as spooled.
    case heldOutput = "held-output"
    /// What something between a producer and its server answers counts as the server's word.
    case foreignAnswers = "foreign-answers"
    /// An answer that acknowledges more than was sent is believed without a second question.
    case foreignHeads = "foreign-heads"
    /// A spool drops what was sent instead of what was acknowledged.
    case acknowledgement
    /// A producer that is gone gets no successor.
    case successor
    /// A producer's successor doesn't say what may be missing.
    case silentLoss = "silent-loss"
    /// After a restore viewers go on from the log's head, not from the smallest base.
    case restoreBase = "restore-base"
    /// A producer forgets by how much its events' numbers and their offsets differ since a restore.
    case shift
    /// A producer's disk doesn't keep that a line was sent in parts.
    case parts
}

extension Mutation {
    /// The promises that may be seen to break without the mechanism: to break another one is a fault of the simulation.
    package var breaks: Set<Violation.Promise> {
        switch self {
        case .fence: [.gapFree, .end]
        case .compareAndSet: [.order, .durableBeforeVisible, .end]
        case .numbers: [.order, .live, .honest, .gapFree]
        case .keptRuns: [.durableBeforeVisible]
        case .silentGap: [.honest, .durableBeforeVisible]
        case .secondReading: [.durableBeforeVisible, .honest]
        case .reconcile: [.durableBeforeVisible]
        case .resumeFirst: [.end]
        case .settling: [.live]
        case .probe: [.live]
        case .ping: [.live]
        case .postBeforeCommit: [.gapFree, .end]
        case .endAsEvent: [.end]
        case .wakeupRecheck: [.live]
        case .timestampCursor: [.gapFree, .end]
        case .pendingPlace: [.honest]
        case .waitForRoom: [.harmless]
        case .heldOutput: [.honest, .order, .live]
        case .foreignAnswers: [.honest]
        case .foreignHeads: [.durableBeforeVisible, .live, .honest]
        case .acknowledgement: [.durableBeforeVisible, .honest, .end]
        case .successor: [.live]
        case .restoreBase: [.honest, .gapFree, .end]
        case .shift, .parts: [.honest, .live, .order, .durableBeforeVisible]
        case .silentLoss: [.honest, .end]
        }
    }
}
