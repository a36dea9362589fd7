import Everyline

extension Deployment {
    /// How often it is looked whether older commands still run, and how many times at the most: for an hour.
    private static let interval: Duration = .seconds(10)
    private static let looks = 360

    /// Waits until no command of an older runner script runs. The functions read what it writes, but as notices: only
    /// the old ones know how to put its lines in order.
    ///
    /// - Throws: ``DeploymentError/olderCommands(_:)`` after an hour.
    func waitForOlderCommands(of stack: String) async throws {
        var told = 0
        for _ in 0..<Self.looks {
            let running: Int
            do {
                running = try await DeployedLogs(stack: stack, client: client, now: now).runningOfOlderScript().count
            } catch DeploymentError.noStack {
                // A stack without functions runs nothing.
                return
            }
            if running == 0 { return }
            if running != told {
                let commands = "\(running) commands of an older runner script"
                say("stack \(stack): the update waits for \(commands) (--force doesn't)")
                told = running
            }
            try await clock.sleep(for: Self.interval)
        }
        throw DeploymentError.olderCommands(told)
    }
}
