import ArgumentParser
import Everyline
import EverylineClient

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show one execution.")

    @Argument(help: ArgumentHelp("The execution, or the beginning of its id.", valueName: "execution"))
    var id: ExecutionID
    @Option(name: .shortAndLong, help: "text or json.")
    var output: OutputOptions.Format = .text
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        let execution = try await connection.withClient { try await $0.execution(named: id) }
        switch output {
        case .json: try Console.print(json: execution)
        case .text: try Console.print(Self.lines(execution))
        }
    }

    private static func lines(_ execution: ExecutionView) -> [String] {
        var lines = [
            "execution:  \(execution.executionID)",
            "command:    \(shellWords(execution.command))",
            "status:     \(execution.status)",
        ]
        if let code = execution.exitCode { lines.append("exit code:  \(code)") }
        if let reason = execution.reason { lines.append("reason:     \(reason)") }
        if let user = execution.stoppedBy { lines.append("stopped by: \(user)") }
        lines.append("owner:      \(execution.owner)")
        if let host = execution.host { lines.append("host:       \(host)") }
        if let user = execution.hostUser { lines.append("user:       \(user)") }
        if let directory = execution.workingDirectory { lines.append("directory:  \(shellWords([directory]))") }
        if let size = execution.terminal { lines.append("terminal:   \(size.columns)x\(size.rows)") }
        lines.append("created:    \(Timestamp(milliseconds: execution.createdAt).text)")
        if let started = execution.startedAt { lines.append("started:    \(Timestamp(milliseconds: started).text)") }
        if let ended = execution.endedAt {
            lines.append("ended:      \(Timestamp(milliseconds: ended).text) (took \(execution.duration))")
        }
        if let cpu = execution.cpuMilliseconds {
            lines.append("CPU time:   \(cpu / 1000).\(String(cpu % 1000 + 1000).dropFirst()) s")
        }
        if let peak = execution.peakMemory { lines.append("peak memory: \(peak) bytes") }
        lines.append("log:        \(execution.lastOffset) events, \(execution.logBytes) bytes")
        return lines
    }
}
