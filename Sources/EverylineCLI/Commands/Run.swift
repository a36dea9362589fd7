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
            Exits with the command's exit code. Ctrl-C detaches, with exit code 130, and says how to come back and how to stop \
            the command; with --stop-on-interrupt it stops the command. The connection may break: it is made again, and nothing \
            is missing. Standard input stays here.
            """)

    @Flag(help: "Print the execution's id and return.")
    var detach = false
    @Flag(help: "Let Ctrl-C stop the command. A second one detaches.")
    var stopOnInterrupt = false
    @Flag(name: .shortAndLong, help: "Don't say which execution it is and where its page is.")
    var quiet = false
    @Flag(name: .shortAndLong, help: "Give the command a terminal, so that it behaves as at one.")
    var tty = false
    @Option(
        help: ArgumentHelp(
            "The terminal's size. (default: that of the one here, else 120x40)", valueName: "columns>x<rows"))
    var size: TerminalSize?
    @Option(help: "The command's working directory, on the server. (default: the server's)")
    var cwd: String?
    @OptionGroup
    var command: CommandOptions
    @OptionGroup(title: "On AWS")
    var task: TaskOptions
    @OptionGroup(title: "Output")
    var output: OutputOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        if tty, command.streams == .split {
            throw ValidationError("A terminal is one stream: --streams split excludes --tty.")
        }
        if size != nil, !tty { throw ValidationError("--size is a terminal's: it needs --tty.") }
    }

    func run() async throws {
        var request = try command.request(in: cwd)
        task.add(to: &request)
        if tty { request.terminal = size ?? Console.terminalSize ?? .usual }
        var generator = SystemGenerator()
        let key = (0..<2).map { _ in String(generator.next(), radix: 36) }.joined(separator: "-")
        let code = try await connection.withClient { client in
            let started = try await RetryPolicy.fewTimes.run { try await client.run(request, idempotencyKey: key) }
            guard let id = ExecutionID(started.executionID) else { throw CLIError("the server gave no usable id") }
            if detach {
                try Console.print(id.rawValue)
                return Int32(0)
            }
            if !quiet { say(id, client) }
            return try await follow(client, id, started)
        }
        if code != 0 { throw ExitCode(code) }
    }

    private func say(_ id: ExecutionID, _ client: EverylineClient) {
        Console.announce(id, at: client.configuration.address)
        if stopOnInterrupt { Console.say("Ctrl-C stops the command") }
        if Console.hasInput { Console.say("standard input is not passed on to the command") }
    }

    private func follow(_ client: EverylineClient, _ id: ExecutionID, _ started: RunAnswer) async throws -> Int32 {
        let tail = client.follow(
            id, at: started.websocketURL, in: started.incarnation.flatMap { Incarnation($0) })
        let result = try await withThrowingTaskGroup(of: Following.self) { group in
            group.addTask { .ended(try await output.printer.print(tail)) }
            group.addTask { .left(by: try await interruption(of: id, client)) }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { preconditionFailure("two tasks were added") }
            return result
        }
        switch result {
        case .ended(let outcome?):
            if outcome.status != .succeeded { Console.say(outcome.sentence) }
            return outcome.processExitCode
        case .ended(nil): return Root.failure.rawValue
        case .left(let signal):
            Console.say("detached; to come back: everyline logs -f \(id)    to stop it: everyline stop \(id)")
            return 128 + signal
        }
    }

    private enum Following {
        case ended(ExecutionOutcome?)
        case left(by: Int32)
    }

    /// - Returns: the signal by which the user leaves.
    private func interruption(of id: ExecutionID, _ client: EverylineClient) async throws -> Int32 {
        var mustStop = stopOnInterrupt
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            guard signal == .sigint, mustStop else { return signal == .sigint ? SIGINT : SIGTERM }
            mustStop = false
            Console.say("stopping the command …")
            _ = try await RetryPolicy.fewTimes.run { try await client.stop(id) }
        }
        throw CancellationError()
    }
}
