package import Everyline

/// The form in which the task's own script (`deploy/aws/runner.sh`, in the task definition) takes a command. How it
/// writes the command's lines, ``SourceEvent`` says.
package enum RunnerScript {
    /// The container that runs the command.
    package static let container = "command"
    /// What the script exits with if the time limit has passed.
    package static let timedOut: Int32 = 124

    /// The words that the script is started with. `timeout` is 0 for none, `directory` empty for the image's own.
    package static func arguments(
        of execution: ExecutionID, command: [String], timeoutSeconds: Int?, directory: String?
    ) -> [String] {
        [execution.rawValue, "\(timeoutSeconds ?? 0)", directory ?? ""] + command
    }
}
