import Everyline

/// Follows what CloudFormation does to one stack, to its end, and says it line by line.
struct StackProgress: Sendable {
    let cloudFormation: CloudFormation
    let clock: any Clock<Duration>
    let say: @Sendable (String) -> Void

    /// Between two looks.
    private static let pause: Duration = .seconds(2)
    /// How often there is a look at the most: an hour's.
    private static let looks = 1800

    /// What has happened before now, so that ``follow(_:after:)`` doesn't say it again.
    func seen(_ stack: String) async throws -> Set<String> {
        Set(try await events(of: stack, but: []).map(\.id))
    }

    /// Says each resource that is finished, or failed, until the stack is no longer busy.
    ///
    /// - Parameters:
    ///   - id: the stack's id: a deleted one isn't found by its name.
    ///   - seen: the events that are passed over.
    /// - Returns: the stack, and what failed by itself, in order.
    func follow(
        _ id: String, after seen: Set<String>
    ) async throws -> (stack: CloudFormation.Stack?, failures: [CloudFormation.Event]) {
        var seen = seen
        var failures: [CloudFormation.Event] = []
        for look in 0..<Self.looks {
            // Before the events, so that none is missed once the stack is at rest.
            let stack = try await cloudFormation.stack(id)
            for event in try await events(of: id, but: seen).reversed() {
                seen.insert(event.id)
                guard event.type != "AWS::CloudFormation::Stack" else { continue }
                if event.isFailure, !event.isConsequence { failures.append(event) }
                if !event.status.hasSuffix("_IN_PROGRESS") {
                    say("  \(event.status)  \(event.resource) (\(event.type))")
                }
            }
            guard let stack, stack.isBusy else { return (stack, failures) }
            // An emulator needs no time, AWS some minutes.
            try await clock.sleep(for: look < 3 ? Self.pause / 4 : Self.pause)
        }
        throw DeploymentError.takesTooLong(id)
    }

    /// The events that weren't seen, newest first, in as few pages as that takes.
    private func events(of stack: String, but seen: Set<String>) async throws -> [CloudFormation.Event] {
        var found: [CloudFormation.Event] = []
        var token: String?
        repeat {
            let page = try await cloudFormation.events(of: stack, after: token)
            let new = page.events.prefix { !seen.contains($0.id) }
            found += new
            guard new.count == page.events.count else { break }
            token = page.next
        } while token != nil
        return found
    }
}
