package import Everyline

/// The form in which the task's own script (`deploy/aws/runner.sh`, in the task definition) takes a command and writes its
/// output, so that CloudWatch can carry it whole: it refuses empty events, and the log driver cuts long lines silently.
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

    /// What a line in CloudWatch says of the line that the command wrote.
    package struct Line: Sendable, Equatable {
        package let text: String
        /// Whether the line was too long, and goes on in the next event.
        package let isPartial: Bool

        /// Reads an event's message. One that doesn't begin with the script's mark (U+001E) is a line as it stands.
        package init(_ message: String) {
            guard message.utf8.first == 0x1E else {
                (text, isPartial) = (message, false)
                return
            }
            let rest = message.dropFirst()
            switch rest.utf8.first {
            case nil: (text, isPartial) = ("", false)
            case UInt8(ascii: ">"): (text, isPartial) = (String(rest.dropFirst()), true)
            case UInt8(ascii: "="): (text, isPartial) = (String(rest.dropFirst()), false)
            default: (text, isPartial) = (message, false)
            }
        }
    }
}
