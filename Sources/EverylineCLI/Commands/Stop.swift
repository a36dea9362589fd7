import ArgumentParser
import Everyline
import EverylineClient

struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop executions.",
        discussion: """
            The command and what it has started get SIGTERM, and SIGKILL after ten seconds. Prints each execution's status by then; \
            the log's end says how it ended. Stopping what has ended changes nothing.

            A command that runs elsewhere (exec, pipe) is stopped by its own machine, when that hears of it. With --force the \
            log is ended at once: what the command still writes isn't recorded.
            """)

    @Argument(help: ArgumentHelp("The executions, or the beginnings of their ids.", valueName: "execution"))
    var ids: [ExecutionID]
    @Flag(help: "End the logs at once, without waiting for the commands to end.")
    var force = false
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    /// What is stopped must be named without doubt, before anything is.
    private static func id(of name: ExecutionID, _ client: EverylineClient) async throws -> ExecutionID {
        let found = try await RetryPolicy.fewTimes.run { try await client.execution(named: name).executionID }
        guard let id = ExecutionID(found) else { throw CLIError("the server gave no usable id") }
        return id
    }

    func run() async throws {
        try await connection.withClient { client in
            for name in ids {
                let id = try await Self.id(of: name, client)
                let execution = try await RetryPolicy.fewTimes.run { try await client.stop(id, isForced: force) }
                try Console.print("\(id) \(execution.status)")
            }
        }
    }
}
