import ArgumentParser
import Everyline
import EverylineClient
import EverylineRunner
import Glibc
import SystemPackage

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command on the server and follow its output.",
        usage: "everyline run [<options>] -- <command> ...",
        discussion: """
            Exits with the command's exit code. Ctrl-C detaches, with exit code 130, and says how to come back and how to stop \
            the command; with --stop-on-interrupt it stops the command. The connection may break: it is made again, and nothing \
            is missing. Standard input stays here, unless --interactive hands it on.
            """)

    @Flag(help: "Print the execution's id and return.")
    var detach = false
    @Flag(help: "Let Ctrl-C stop the command. A second one detaches.")
    var stopOnInterrupt = false
    @Flag(name: .shortAndLong, help: "Don't say which execution it is and where its page is.")
    var quiet = false
    @Flag(
        name: .shortAndLong,
        help: "Hand standard input on to the command; with --tty, what is typed.")
    var interactive = false
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
        if interactive, detach {
            throw ValidationError("With --detach no process is left here to hand on --interactive's input.")
        }
        if size != nil, !tty { throw ValidationError("--size is a terminal's: it needs --tty.") }
    }

    func run() async throws {
        var request = try command.request(in: cwd)
        task.add(to: &request)
        if tty { request.terminal = size ?? Console.terminalSize ?? .usual }
        if interactive { request.input = true }
        let key = IdempotencyKey.newValue()
        let signals = try UserSignals()
        let code = try await connection.withClient { client in
            let started = try await Self.unlessInterrupted(by: signals) { [request] in
                try await Console.waiting(for: "the server to start the command") {
                    try await RetryPolicy.fewTimes.run { try await client.run(request, idempotencyKey: key) }
                }
            }
            guard let id = ExecutionID(started.executionID) else { throw CLIError("the server gave no usable id") }
            if detach {
                try Console.print(id.rawValue)
                return Int32(0)
            }
            say(id, client)
            do {
                return try await follow(client, id, started, signals)
            } catch let error where !(error is CancellationError) && error as? Errno != .brokenPipe {
                Console.say(
                    "execution \(id) was started, and goes on; it can't be followed from here. \(Self.ways(to: id))")
                throw error
            }
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// - Throws: `ExitCode` if a signal comes before the server's answer, which alone says whether the command was
    ///   started.
    private static func unlessInterrupted(
        by signals: UserSignals, _ start: @escaping @Sendable () async throws -> RunResponse
    ) async throws -> RunResponse {
        try await withThrowingTaskGroup(of: RunResponse.self) { group in
            group.addTask(operation: start)
            group.addTask {
                for await signal in signals.early {
                    guard signal.ends else {
                        OwnProcess.suffer(signal.number)
                        continue
                    }
                    break
                }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            let response = await group.nextResult()
            if let signal = signals.begin() {
                if signal.isFromTerminal { Console.signalCame() }
                Console.say(
                    "interrupted before the server's answer; the command may have been started. To see it: everyline list    to stop it: everyline stop ID"
                )
                throw ExitCode(128 + signal.number)
            }
            guard let response else { preconditionFailure("two tasks were added") }
            return try response.get()
        }
    }

    private func say(_ id: ExecutionID, _ client: EverylineClient) {
        if !quiet { Console.announce(id, at: client.configuration.address) }
        if stopOnInterrupt { Console.say("Ctrl-C stops the command") }
        if !interactive, Console.hasInput { Console.say("standard input is not passed on to the command") }
        if !interactive, tty, Keyboard.isThere {
            Console.say("what is typed is not passed on to the command; --interactive does that")
        }
    }

    private func follow(
        _ client: EverylineClient, _ id: ExecutionID, _ started: RunResponse, _ signals: UserSignals
    ) async throws -> Int32 {
        let printer = output.printer(introduction: quiet ? "execution \(id)" : nil)
        let input =
            interactive
            ? try RunInput(to: id, client, isTyped: tty, hasOwnSize: size != nil, says: printer.interject) : nil
        defer { input?.keyboard?.end() }
        let tail = client.follow(
            id, at: started.websocketURL, in: started.incarnation.flatMap { Incarnation($0) })
        let result = try await withThrowingTaskGroup(of: Following?.self) { group in
            group.addTask { .ended(try await printer.print(tail).outcome) }
            group.addTask { .left(by: try await interruption(of: id, client, printer, input, signals)) }
            if let input {
                group.addTask {
                    try await input.run()
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            preconditionFailure("two of the tasks give a result")
        }
        // What is said next, is said on a terminal that is as it was.
        input?.keyboard?.end()
        switch result {
        case .ended(let outcome?):
            if outcome.status != .succeeded { Console.say(outcome.sentence) }
            if input?.isCut == true, outcome.status == .succeeded { return Root.failure.rawValue }
            return outcome.processExitCode
        case .ended(nil): return Root.failure.rawValue
        case .left(let signal):
            Console.say("detached; \(Self.ways(to: id))")
            return 128 + signal
        }
    }

    private static func ways(to id: ExecutionID) -> String {
        "to come back: everyline logs -f \(id)    to stop it: everyline stop \(id)"
    }

    private enum Following {
        case ended(ExecutionOutcome?)
        case left(by: Int32)
    }

    /// - Returns: the signal by which the user leaves.
    private func interruption(
        of id: ExecutionID, _ client: EverylineClient, _ printer: TailPrinter, _ input: RunInput?,
        _ signals: UserSignals
    ) async throws -> Int32 {
        var mustStop = stopOnInterrupt
        func leaves(_ signal: Int32) async throws -> Bool {
            guard signal == SIGINT, mustStop else { return true }
            mustStop = false
            // A terminal that takes nothing for now doesn't hold up the request.
            async let stopped = RetryPolicy.fewTimes.run { try await client.stop(id) }
            try printer.interject("stopping the command …")
            _ = try await stopped
            return false
        }
        input?.resize()
        for await signal in signals.late {
            guard let number = Self.meaning(of: signal, input, printer) else { continue }
            if signal.isFromTerminal, input?.keyboard == nil { Console.signalCame() }
            if try await leaves(number) { return number }
        }
        throw CancellationError()
    }

    /// Takes the terminal again, which may have another size by now: while this process was stopped, nothing told it.
    private static func goOn(_ input: RunInput?, _ printer: TailPrinter) {
        printer.wasStopped()
        input?.keyboard?.resume()
        input?.resize()
    }

    /// Does what a signal asks of this process.
    ///
    /// - Returns: the signal, if it means that the user leaves.
    private static func meaning(
        of signal: SentSignal, _ input: RunInput?, _ printer: TailPrinter
    ) -> Int32? {
        switch signal.number {
        case SIGINT, SIGTERM, SIGHUP: return signal.number
        case SIGWINCH: input?.resize()
        case SIGCONT: goOn(input, printer)
        default:
            // Others must find the terminal as it was.
            input?.keyboard?.yield()
            OwnProcess.suffer(signal.number)
            goOn(input, printer)
        }
        return nil
    }
}
