/// Follows one log from an offset to its `end` event: read after it, hand out, else wait. Backlog, live output and
/// resumption are this one loop.
///
/// It gives each event after the offset exactly once and in order, whatever is appended meanwhile. It keeps nothing but
/// its offset, so that the caller of ``next()`` sets the pace.
package struct Tail: Sendable {
    package enum Step: Sendable {
        /// The events that follow, in order; never empty.
        case blocks([EventBlock])
        /// The line that has begun behind what was handed out, as far as it is known; with an empty message, that there
        /// is none any more. What comes next in the log ends it too.
        case pending(PendingLine)
        /// Nothing new for a while, or at the start of a tail that greets. The log's head is where the tail is.
        case idle(head: Offset)
        /// The `end` event has been handed out; there is nothing more.
        case ended
    }

    /// The last event that was handed out.
    package private(set) var offset: Offset
    private let store: any LogStore
    /// What the tail waits on. To end it from outside is to end the tail's wait.
    package let subscription: LogFeed.Subscription
    private let limit: ByteCount
    /// How much the next step may be: little at first, and twice as much with each step that was taken, so that a
    /// viewer which doesn't read costs little.
    private var stepLimit: ByteCount
    package var execution: ExecutionID { subscription.execution }
    private var hasEnded = false
    /// The version of the log that was read to its head; `nil` if it isn't known.
    private var upToDateAt: UInt64?
    /// What was handed out of the line that follows.
    private var shown: PendingLine?
    /// Whether the first step is still to come, and is ``Step/idle(head:)`` where nothing follows yet.
    private var greets: Bool

    /// Follows what comes after `offset`, in steps of at most `limit` bytes, the first of at most ``firstStep``.
    ///
    /// - Parameter greets: whether the tail says at once that nothing follows yet, instead of waiting for something.
    package init(
        of execution: ExecutionID, after offset: Offset, in store: any LogStore, feed: LogFeed, limit: ByteCount,
        greets: Bool = false
    ) {
        self.greets = greets
        self.offset = offset
        self.store = store
        self.limit = limit
        self.stepLimit = min(limit, Self.firstStep)
        self.subscription = feed.subscribe(to: execution)
    }

    package static let firstStep: ByteCount = .kibibytes(32)

    /// Hands out what comes next, and waits for it if need be.
    ///
    /// An offset beyond the head is one that the log has yet to reach; on a log that has ended it never will, and the
    /// tail ends.
    /// Runs where its caller runs: what is in memory is handed out without changing threads.
    /// - Throws: `CancellationError`, or what the store throws.
    nonisolated(nonsending) package mutating func next() async throws -> Step {
        defer { greets = false }
        while !hasEnded {
            let version = subscription.version
            // A progress bar alone sends no tail to the store.
            if upToDateAt != version.events {
                if let blocks = try await read() {
                    upToDateAt = nil
                    shown = nil
                    stepLimit = min(limit, stepLimit * 2)
                    if let last = blocks.last {
                        offset = last.last
                        hasEnded = last.endsLog
                    }
                    return blocks.isEmpty ? .ended : .blocks(blocks)
                }
                upToDateAt = version.events
            }
            if let line = takePending() { return .pending(line) }
            if greets { return .idle(head: offset) }
            if try await subscription.wait(past: version) == .tick {
                upToDateAt = nil
                return .idle(head: offset)
            }
        }
        return .ended
    }

    /// What is new of the line that follows; `nil` if nothing is.
    private mutating func takePending() -> PendingLine? {
        let line = subscription.pending(after: offset)
        guard line != shown else { return nil }
        shown = line
        return line ?? PendingLine(after: offset, message: "")
    }

    /// What follows the offset now; `nil` if nothing does yet, empty if nothing ever will.
    ///
    /// Never inlined: a tail that waits has the memory of all that ``next()`` needs at any time.
    @inline(never)
    nonisolated(nonsending) private mutating func read() async throws -> [EventBlock]? {
        switch subscription.recent(after: offset, limit: stepLimit) {
        case .blocks(let blocks): return blocks
        case .upToDate: return nil
        case .unknown: break
        }
        let read = try await store.read(execution, after: offset, limit: stepLimit)
        if let block = read.block { return [block] }
        guard read.head.isEnded else { return nil }
        hasEnded = true
        return []
    }
}
