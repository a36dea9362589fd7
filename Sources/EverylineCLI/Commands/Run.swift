import ArgumentParser
import Everyline
import EverylineClient
import Glibc
import UnixSignals

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command on the server and follow its output.",
        usage: "everyline run [<options>] -- <command> ...",
        discussion: """
            Exits with the command's exit code. Ctrl-C detaches, and says how to come back; a second Ctrl-C within two \
            seconds stops the command. The connection may break: it is made again, and nothing is missing.
            """)

    @Flag(help: "Print the execution's id and return.")
    var detach = false
    @Option(help: "The command's working directory, on the server. (default: the server's)")
    var cwd: String?
    @OptionGroup
    var command: CommandOptions
    @OptionGroup(title: "Output")
    var output: OutputOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        let request = try command.request(in: cwd)
        var generator = SystemGenerator()
        let key = (0..<2).map { _ in String(generator.next(), radix: 36) }.joined(separator: "-")
        let code = try await connection.withClient { client in
            let started = try await RetryPolicy.fewTimes.run { try await client.run(request, idempotencyKey: key) }
            guard let id = ExecutionID(started.executionID) else { throw CLIError("the server gave no usable id") }
            if detach {
                try Console.print(id.rawValue)
                return Int32(0)
            }
            Console.say("execution \(id)")
            return try await follow(client, id, at: started.websocketURL)
        }
        if code != 0 { throw ExitCode(code) }
    }

    private func follow(_ client: EverylineClient, _ id: ExecutionID, at location: String) async throws -> Int32 {
        try await withThrowingTaskGroup(of: Int32.self) { group in
            group.addTask {
                guard let outcome = try await output.printer.print(client.follow(id, at: location)) else {
                    return Root.failure.rawValue
                }
                if outcome.status != .succeeded { Console.say(outcome.sentence) }
                return outcome.processExitCode
            }
            group.addTask { try await Self.interruption(of: id, client) }
            defer { group.cancelAll() }
            return try await group.next() ?? Root.failure.rawValue
        }
    }

    private enum Interruption {
        /// Ctrl-C.
        case press
        /// The time for the second one has passed.
        case tooLate
        /// SIGTERM.
        case end
    }

    /// - Returns: the exit code, when the user wants to leave.
    private static func interruption(of id: ExecutionID, _ client: EverylineClient) async throws -> Int32 {
        let (interruptions, happened) = AsyncStream.makeStream(of: Interruption.self)
        return try await withThrowingTaskGroup { group in
            group.addTask {
                for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    happened.yield(signal == .sigint ? .press : .end)
                }
            }
            defer { group.cancelAll() }
            var presses = 0
            for await interruption in interruptions {
                if interruption == .press { presses += 1 }
                switch (interruption, presses) {
                case (.press, 1):
                    Console.say("detaching: the command goes on. Ctrl-C again stops it.")
                    group.addTask {
                        // Nothing is waited for but the user: a second press in this time means "stop", as the help says,
                        // and none means "detach".
                        try await Task.sleep(for: .seconds(2))
                        happened.yield(.tooLate)
                    }
                case (.press, 2):
                    Console.say("stopping the command …")
                    _ = try await RetryPolicy.fewTimes.run { try await client.stop(id) }
                case (.tooLate, 2...): continue
                case (.end, _), (.tooLate, _), (.press, _):
                    Console.say("to come back: everyline logs -f \(id)    to stop it: everyline stop \(id)")
                    return 128 + (interruption == .end ? SIGTERM : SIGINT)
                }
            }
            throw CancellationError()
        }
    }
}
