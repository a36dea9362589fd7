/// One turn of sending to one viewer, as a pure machine: lock, then read, post and advance until nothing is left, then
/// release. It does nothing itself; its driver carries out each action and reports what became of it.
///
/// The order is what makes it safe. A block is posted before the cursor moves, so a crash between the two repeats a block
/// and never skips one. The cursor moves only under the fence, so a sender that was too slow can send at most the one
/// block it had in hand, which the viewer refuses by its generation or its next offset.
public struct Delivery: Sendable {
    public enum Action: Sendable, Equatable {
        /// Write `.acquire`; report ``Input/updated(_:)`` or ``Input/refused``.
        case acquire
        /// Look whether the connection is there at all.
        case inspect
        /// Read the log consistently after this offset.
        case read(after: Offset)
        /// Post the block under this generation.
        case post(EventBlock, generation: UInt64)
        /// Write `.advance`; one that gives the lock back where the turn ends with it.
        case advance(fence: UInt64, from: Offset, to: Offset, lastSeen: Timestamp, then: Outcome? = nil)
        /// Everything has been sent, or the connection doesn't exist any more: write `.conclude`.
        case conclude(fence: UInt64)
        /// Close the viewer's connection, which has got everything.
        case close
        /// Write `.release`; its refusal changes nothing.
        case release(fence: UInt64, then: Outcome)
        /// The turn is over.
        case finish(Outcome)
    }

    public enum Input: Sendable, Equatable {
        case begin
        case updated(ViewerConnection)
        /// A conditional write was refused.
        case refused
        /// Whether there is a record that may be sent to. (One that may not be is rung again when its viewer resumes.)
        case inspected(isServable: Bool)
        case read(LogRead)
        case posted
        /// The gateway has no such connection.
        case gone
        /// The gateway doesn't know the connection yet, wants less, or failed: the message must come again.
        case postFailed
        /// The step that was asked for could not be carried out at all.
        case failed
        case released
        case closed
    }

    public enum Outcome: Sendable, Equatable {
        /// Nothing is left to send now; the doorbell's message can go.
        case idle
        /// The log's end was posted.
        case completed
        /// The viewer is gone, or is yet to resume.
        case gone
        /// There is more, and the turn was long: ring again and give way.
        case yield
        /// Another sender has the lock, or a step failed: the message must come back, it must not be deleted.
        case retry
        /// The lock was lost on the way; the sender that has it now goes on.
        case superseded

        /// What the queue does with the ring that the turn answered.
        public var ring: RingFate {
            switch self {
            case .idle, .completed, .gone, .superseded: .delete
            case .yield: .ringAgainAndDelete
            case .retry: .keep
            }
        }
    }

    public enum RingFate: Sendable, Equatable {
        case delete
        /// In this order: a ring too many is nothing, one too few is a viewer that waits.
        case ringAgainAndDelete
        /// It must become visible again, and holds up the rings of this connection until then.
        case keep
    }

    private enum State: Sendable {
        case ready
        case acquiring
        case inspecting
        case reading(ViewerConnection)
        case posting(ViewerConnection, EventBlock, head: Offset)
        case advancing(ViewerConnection, EventBlock, then: Outcome?)
        case concluding(ViewerConnection, Outcome)
        case closing
        case finishing(Outcome)
        case over
    }

    private var state = State.ready
    /// How many blocks one turn may send before it gives way.
    private let turn: Int
    private var sent = 0

    public init(turn: Int = 64) { self.turn = turn }

    /// Takes what became of the last action and says what to do next.
    ///
    /// - Precondition: the input answers the last action.
    /// - Parameter isTimeUp: whether the turn has lasted as long as it may.
    public mutating func handle(_ input: Input, isTimeUp: Bool = false) -> Action {
        switch (state, input) {
        case (.ready, .begin):
            state = .acquiring
            return .acquire
        case (.acquiring, .updated(let connection)):
            state = .reading(connection)
            return .read(after: connection.cursor)
        case (.acquiring, .refused):
            state = .inspecting
            return .inspect
        case (.inspecting, .inspected(let isServable)):
            return finish(isServable ? .retry : .gone)
        case (.acquiring, .failed), (.inspecting, .failed):
            return finish(.retry)
        case (.reading(let connection), .read(let read)):
            return next(connection, read)
        case (.posting(let connection, let block, let head), .posted):
            sent += 1
            let outcome = last(block, head: head, isTimeUp: isTimeUp)
            state = .advancing(connection, block, then: outcome)
            return .advance(
                fence: connection.fence, from: connection.cursor, to: block.last,
                lastSeen: max(block.latest, connection.lastSeen ?? .epoch), then: outcome)
        case (.posting(let connection, _, _), .gone):
            return conclude(connection, .gone)
        case (.concluding(_, .completed), .updated):
            state = .closing
            return .close
        case (.concluding(_, let outcome), .updated):
            return finish(outcome)
        case (.concluding, .refused):
            return finish(.superseded)
        case (.concluding(let connection, _), .failed):
            return release(connection, then: .retry)
        case (.closing, _):
            return finish(.completed)
        case (.posting(let connection, _, _), .postFailed), (.posting(let connection, _, _), .failed),
            (.reading(let connection), .failed), (.advancing(let connection, _, _), .failed):
            return release(connection, then: .retry)
        case (.advancing(_, _, then: let outcome?), .updated):
            return finish(outcome)
        case (.advancing(_, let block, then: nil), .updated(let connection)):
            if block.endsLog { return conclude(connection, .completed) }
            state = .reading(connection)
            return .read(after: connection.cursor)
        case (.advancing, .refused):
            return finish(.superseded)
        case (.finishing(let outcome), _):
            return finish(outcome)
        default:
            preconditionFailure("a delivery was told something that it did not ask for")
        }
    }

    private mutating func next(_ connection: ViewerConnection, _ read: LogRead) -> Action {
        if let block = read.block {
            precondition(block.predecessor == connection.cursor, "a store skipped events")
            state = .posting(connection, block, head: read.head.offset)
            return .post(block, generation: connection.generation)
        }
        guard read.head.isEnded else { return release(connection, then: .idle) }
        // A head that is newer than the block that came with it says that there is something to read after all.
        guard read.head.offset <= connection.cursor else { return release(connection, then: .retry) }
        return conclude(connection, .completed)
    }

    /// How the turn ends with this block; `nil` if it goes on. What was appended since the reading was rung for, and that ring waits
    /// behind this turn.
    private func last(_ block: EventBlock, head: Offset, isTimeUp: Bool) -> Outcome? {
        if block.endsLog { return nil }
        if block.last >= head { return .idle }
        return isTimeUp || sent >= turn ? .yield : nil
    }

    private mutating func conclude(_ connection: ViewerConnection, _ outcome: Outcome) -> Action {
        state = .concluding(connection, outcome)
        return .conclude(fence: connection.fence)
    }

    private mutating func release(_ connection: ViewerConnection, then outcome: Outcome) -> Action {
        state = .finishing(outcome)
        return .release(fence: connection.fence, then: outcome)
    }

    private mutating func finish(_ outcome: Outcome) -> Action {
        state = .over
        return .finish(outcome)
    }
}
