import ArgumentParser
import Everyline
import EverylineClient

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List executions, the newest first.")

    @Option(help: "Only those with this status: STARTING, RUNNING, TERMINATING, SUCCEEDED, FAILED or STOPPED.")
    var status: [ExecutionStatus] = []
    @Option(name: .shortAndLong, help: "How many at the most.")
    var limit = 20
    @Option(name: .shortAndLong, help: "text or json.")
    var output: OutputOptions.Format = .text
    @Flag(name: .shortAndLong, help: "Don't say where the page of all executions is.")
    var quiet = false
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
    }

    func run() async throws {
        var page: String?
        let executions = try await connection.withClient { client in
            page = client.configuration.address.page()
            return try await self.executions(client)
        }
        switch output {
        case .json: try Console.print(json: executions)
        case .text:
            var table = Table("EXECUTION", "STATUS", "EXIT", "OWNER", "CREATED", "TOOK", "COMMAND")
            for execution in executions {
                table.add(
                    execution.executionID, execution.status, execution.exitCode.map(String.init) ?? "-",
                    execution.owner, Timestamp(milliseconds: execution.createdAt).shortText, execution.duration,
                    shellWords(execution.command, limit: Self.commandLimit))
            }
            try Console.print(table.lines)
            if !quiet, let page { Console.say("in the browser: \(page)") }
        }
    }

    /// How many bytes of a command a table has room for; `-o json` has the whole.
    private static let commandLimit = 120

    /// Page by page, as the server gives them: shorter ones where commands are long.
    private func executions(_ client: EverylineClient) async throws -> [ExecutionView] {
        var executions: [ExecutionView] = []
        var cursor: String?
        repeat {
            let page = try await client.executions(
                status, limit: min(limit - executions.count, Self.pageLimit), cursor: cursor)
            executions += page.executions
            // A page without any is none that another one follows.
            cursor = page.executions.isEmpty ? nil : page.nextCursor
        } while cursor != nil && executions.count < limit
        return executions
    }

    private static let pageLimit = 1000
}

extension ExecutionView {
    /// From its start to its end.
    var duration: String {
        guard let endedAt else { return "-" }
        let (difference, isOverflow) = endedAt.subtractingReportingOverflow(startedAt ?? createdAt)
        guard !isOverflow else { return "-" }
        let milliseconds = max(0, difference)
        let seconds = milliseconds / 1000
        return switch seconds {
        case ..<10: "\(seconds).\(milliseconds % 1000 / 100)s"
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        default: "\(seconds / 3600)h\(seconds / 60 % 60)m"
        }
    }
}

extension Timestamp {
    /// In UTC, to the second.
    var shortText: String { text.prefix(19) + "Z" }
}
