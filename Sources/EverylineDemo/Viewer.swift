import Everyline
import EverylineClient

/// Something bad that is done to the viewer once it has received an event.
struct Fault: Sendable {
    enum Kind: String {
        case cut = "the connection is cut"
        case kill = "the server is killed with -9"
    }

    let after: Offset
    let kind: Kind
    let strike: @Sendable () -> Void

    init(after: Offset, kind: Kind, strike: @escaping @Sendable () -> Void) {
        self.after = after
        self.kind = kind
        self.strike = strike
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

/// Follows an execution with the client library as any program would, while faults strike.
struct Viewer {
    let client: EverylineClient
    let execution: ExecutionID
    let faults: [Fault]

    func watch() async throws -> Received {
        var received = Received()
        var pending = faults[...]
        var tail = client.follow(execution).makeAsyncIterator()
        while let update = try await tail.next() {
            switch update {
            case .events(let block):
                received.events += try block.events()
                if let fault = pending.first, block.last >= fault.after {
                    pending.removeFirst()
                    Demo.say("  event \(grouped(Int(block.last.rawValue))): \(fault.kind.rawValue)")
                    fault.strike()
                }
            case .reconnecting(let attempt) where attempt.failures == 1:
                Demo.say("  reconnecting: \(attempt.reason)")
            case .resumed(let after):
                received.resumptions += 1
                Demo.say("  resumed after event \(grouped(Int((after ?? .zero).rawValue)))")
            case .ended(let outcome, let isVerified):
                received.outcome = outcome
                received.isVerified = isVerified
            case .reconnecting, .notice, .pending, .way, .restored:
                continue
            }
        }
        received.repeated = tail.repeated
        guard pending.isEmpty else { throw DemoError("the command ended before every fault had struck") }
        return received
    }
}
