/// Carries out one message of a viewer, as a pure machine. It does nothing itself; its driver carries out each action and
/// reports what became of it.
///
/// A resumption is written, then rung, then acknowledged: a viewer that hears nothing says it again. A ping is the watchdog:
/// it rings where something is to be sent and no sender has the lock, or one has had it beyond its lease. So the next ping
/// repairs a lost ring and a sender's crash; and without viewers nothing needs repair. Where nothing waits and the log has
/// no end, a ping has the producer looked at: the message that it stopped may have been lost.
public struct Reception: Sendable {
    public enum Action: Sendable, Equatable {
        /// Write the update; report ``Input/updated(_:)`` or ``Input/refused``.
        case update(ConnectionUpdate)
        /// Read the connection's record, consistently.
        case readConnection
        /// Read the log's head, consistently.
        case readHead
        /// Ring this connection.
        case ring
        /// Send this to the viewer. Whether it arrives changes nothing.
        case answer(GatewayFrame)
        /// Have a look taken at the log's producer. Whether that comes about changes nothing: the next ping asks again.
        case look
        /// The record is of no use any more: close the connection, so that the viewer makes a new one.
        case close
        case finish(Outcome)
    }

    public enum Input: Sendable, Equatable {
        /// What the driver's clock says now.
        case begin(now: Timestamp)
        case updated(ViewerConnection)
        case refused
        case connection(ViewerConnection?)
        case head(LogHead)
        case rung
        case answered
        case looked
        case closed
        case failed
    }

    public enum Outcome: Sendable, Equatable {
        case done
        /// A step could not be carried out. The viewer will say it again.
        case failed
    }

    private enum State: Sendable {
        case ready
        case resuming(UInt64)
        /// The resumption was refused: is it a repetition, or an old one?
        case comparing(UInt64)
        case resumed(UInt64)
        case acknowledging(UInt64)
        case inspecting
        case judging(ViewerConnection)
        case repairing(LogHead)
        case answering(thenLook: Bool)
        case looking
        case closing
        case over
    }

    private let message: ViewerMessage
    private let lease: Duration
    private var state = State.ready
    private var now = Timestamp.epoch

    /// - Parameter lease: for how long the senders take their locks.
    public init(of message: ViewerMessage, lease: Duration) {
        self.message = message
        self.lease = lease
    }

    /// Takes what became of the last action and says what to do next.
    ///
    /// - Precondition: the input answers the last action.
    public mutating func handle(_ input: Input) -> Action {
        switch (state, input) {
        case (.ready, .begin(let now)):
            self.now = now
            return begin()
        case (.resuming(let generation), .updated):
            state = .resumed(generation)
            return .ring
        case (.resuming(let generation), .refused):
            state = .comparing(generation)
            return .readConnection
        case (.comparing(let generation), .connection(let connection)):
            return compare(connection, with: generation)
        case (.resumed(let generation), .rung):
            state = .acknowledging(generation)
            return .readHead
        case (.acknowledging(let generation), .head(let head)):
            return answer(.resumed(generation: generation, head: head.offset))
        case (.inspecting, .connection(let connection)):
            // One that pings before its record knows of a resumption was told of it by mistake (as the viewer before, who had the
            // same id): nothing is ever sent to it.
            guard let connection, connection.isServable(at: now) else { return close() }
            state = .judging(connection)
            return .readHead
        case (.judging(let connection), .head(let head)):
            return judge(connection, at: head)
        case (.repairing(let head), .rung):
            return answer(.heartbeat(head: head.offset))
        case (.answering(thenLook: true), .answered):
            state = .looking
            return .look
        case (.answering, .answered), (.looking, .looked), (.closing, .closed):
            return finish(.done)
        case (.ready, _), (.over, _):
            preconditionFailure("a reception was told something that it did not ask for")
        case (_, .failed):
            return finish(.failed)
        default:
            preconditionFailure("a reception was told something that it did not ask for")
        }
    }

    private mutating func begin() -> Action {
        switch message {
        case .resume(let generation, let after):
            state = .resuming(generation)
            return .update(.resume(generation: generation, after: after))
        case .ping:
            state = .inspecting
            return .readConnection
        }
    }

    private mutating func compare(_ connection: ViewerConnection?, with generation: UInt64) -> Action {
        guard let connection, connection.isUsable(at: now) else { return close() }
        // The viewer has resumed again since: this older resumption comes late and changes nothing.
        guard connection.generation == generation else { return finish(.done) }
        // The first one may have been cut off between its write and its ring.
        state = .resumed(generation)
        return .ring
    }

    private mutating func judge(_ connection: ViewerConnection, at head: LogHead) -> Action {
        // At the end of an ended log there is still something to do: to close.
        let isBehind = connection.cursor < head.offset || head.isEnded
        guard isBehind, !connection.isLocked(at: now, lease: lease) else {
            return answer(.heartbeat(head: head.offset), thenLook: !isBehind)
        }
        state = .repairing(head)
        return .ring
    }

    private mutating func answer(_ frame: GatewayFrame, thenLook: Bool = false) -> Action {
        state = .answering(thenLook: thenLook)
        return .answer(frame)
    }

    private mutating func close() -> Action {
        state = .closing
        return .close
    }

    private mutating func finish(_ outcome: Outcome) -> Action {
        state = .over
        return .finish(outcome)
    }
}
