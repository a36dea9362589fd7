package import Everyline
import NIOCore

/// What stands in a message of the queue of reconciling: an execution whose log is to be held against CloudWatch, and
/// why.
package struct ReconcileMessage: Sendable, Equatable {
    package enum Cause: Sendable, Equatable {
        /// The execution's task has stopped: nothing is written to its stream any more.
        case stopped(StoppedTask)
        /// The Sequencer left a hole, or a client asks for the execution: the Reconciler also asks ECS whether the task
        /// still runs.
        case probe
    }

    package let execution: ExecutionID
    package let cause: Cause
    /// What an earlier reading has seen.
    package let seen: Reconciler.Seen?
    /// Where a reading was interrupted.
    package let place: Reconciler.Place?

    package init(
        _ cause: Cause, of execution: ExecutionID, seen: Reconciler.Seen? = nil, place: Reconciler.Place? = nil
    ) {
        self.execution = execution
        self.cause = cause
        self.seen = seen
        self.place = place
    }

    /// - Throws: ``LambdaEventError`` for what no function here has sent.
    package init(body: String) throws {
        let form = try LambdaEvent.decode(Form.self, from: .init(string: body))
        guard let execution = ExecutionID(form.execution) else { throw LambdaEventError.malformed("execution") }
        self.execution = execution
        cause = try form.stopped.map { .stopped(try $0.task) } ?? .probe
        seen = try form.seen.map { seen in
            guard let parked = LineRanges.ranges(seen.parked) else { throw LambdaEventError.malformed("seen.parked") }
            return Reconciler.Seen(next: seen.next, parked: parked)
        }
        place = form.place?.place
    }

    package var body: String {
        var stopped: Form.Stopped?
        if case .stopped(let task) = cause { stopped = Form.Stopped(task) }
        let form = Form(
            execution: execution.rawValue, stopped: stopped,
            seen: seen.map { Form.Seen(next: $0.next, parked: LineRanges.text($0.parked)) },
            place: place.map(Form.Place.init))
        guard let text = try? LambdaEvent.encode(form) else { preconditionFailure("texts and numbers are JSON") }
        return String(buffer: text)
    }

    private struct Form: Codable {
        let execution: String
        let stopped: Stopped?
        let seen: Seen?
        let place: Place?

        struct Place: Codable {
            let start: Int64
            let token: String
            let next: UInt64
            let moved: Bool
            let ahead: UInt64?
            let window: Int64?

            init(_ place: Reconciler.Place) {
                start = place.start.milliseconds
                token = place.position.token
                next = place.next
                moved = place.hasMoved
                ahead = place.ahead
                window = place.windowEnd?.milliseconds
            }

            var place: Reconciler.Place {
                Reconciler.Place(
                    start: Timestamp(milliseconds: start), position: SourcePosition(token: token), next: next,
                    hasMoved: moved, ahead: ahead, windowEnd: window.map(Timestamp.init(milliseconds:)))
            }
        }

        struct Seen: Codable {
            let next: UInt64
            let parked: String
        }

        struct Stopped: Codable {
            let group: String
            let stream: String
            let status: String
            let exitCode: Int32?
            let reason: String?
            let stoppedAt: Int64
            let why: String?

            init(_ task: StoppedTask) {
                group = task.stream.group
                stream = task.stream.name
                status = task.outcome.status.rawValue
                exitCode = task.outcome.exitCode
                reason = task.outcome.reason?.rawValue
                stoppedAt = task.stoppedAt.milliseconds
                why = task.reason
            }

            var task: StoppedTask {
                get throws {
                    guard let status = ExecutionStatus(rawValue: status), status.isTerminal else {
                        throw LambdaEventError.malformed("stopped.status")
                    }
                    return StoppedTask(
                        stream: LogStreamName(group: group, name: stream),
                        outcome: ExecutionOutcome(
                            status: status, exitCode: exitCode, reason: reason.flatMap(ExecutionOutcome.Reason.init)),
                        stoppedAt: Timestamp(milliseconds: stoppedAt), reason: why)
                }
            }
        }
    }
}
