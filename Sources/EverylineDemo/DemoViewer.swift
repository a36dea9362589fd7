import Everyline
import EverylineClient

/// What is done to the viewer's connection or its server once the viewer has received an event.
struct Interruption: Sendable {
    enum Kind: String {
        case cut = "the connection is cut"
        case kill = "the server is killed with -9"
    }

    let after: Offset
    let kind: Kind
    let happen: @Sendable () -> Void

    init(after: Offset, kind: Kind, happen: @escaping @Sendable () -> Void) {
        self.after = after
        self.kind = kind
        self.happen = happen
    }
}

/// What a viewer has seen by the end.
struct Received {
    var events: [LogEvent] = []
    var repeated = 0
    var outcome: ExecutionOutcome?
    var isVerified = false
    var resumptions = 0
}

/// Follows an execution with the client library as any program would, and is interrupted.
struct DemoViewer {
    let client: EverylineClient
    let execution: ExecutionID
    let interruptions: [Interruption]

    func watch() async throws -> Received {
        var received = Received()
        var pending = interruptions[...]
        var isInterrupted = false
        var tail = client.follow(execution).makeAsyncIterator()
        while let update = try await tail.next() {
            switch update {
            case .events(let block):
                received.events += try block.events()
                if let next = pending.first, block.last >= next.after, !isInterrupted {
                    isInterrupted = true
                    pending.removeFirst()
                    Demo.say("  event \(grouped(Int(block.last.rawValue))): \(next.kind.rawValue)")
                    next.happen()
                }
            case .reconnecting(let attempt) where attempt.failures == 1:
                Demo.say("  reconnecting: \(attempt.reason)")
            case .resumed(let after):
                received.resumptions += 1
                isInterrupted = false
                Demo.say("  resumed after event \(grouped(Int((after ?? .zero).rawValue)))")
            case .ended(let outcome, let isVerified):
                received.outcome = outcome
                received.isVerified = isVerified
            case .reconnecting, .notice, .pending, .way, .restored:
                continue
            }
        }
        received.repeated = tail.repeated
        guard pending.isEmpty else { throw DemoError("the command ended before every interruption") }
        return received
    }
}
