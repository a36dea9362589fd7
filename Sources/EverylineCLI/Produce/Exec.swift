import ArgumentParser
import Everyline
import EverylineProducer
import EverylineRunner
import Glibc
import SystemPackage

struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command here, with its log on the server.",
        usage: "everyline exec [<options>] -- <command> ...",
        discussion: """
            The command stays with this terminal, as under `env`: it has this input, this environment, and the open files and \
            signals that everyline itself was started with; Ctrl-C, Ctrl-\\ and Ctrl-Z reach it. Its output is shown here and \
            goes to the server besides. Where that is a terminal, the command has one of its own, so that it behaves as at a \
            terminal; --no-tty gives it a pipe. When the server is away, the output is kept on disk until it is back. Exits with the \
            command's exit code. What the server didn't take within a minute after the command's end is kept here for \
            `everyline recover`, and said on standard error.
            """)

    @Flag(help: "Wait until the server has everything, and exit with 125 if it refuses or Ctrl-C ends the waiting.")
    var requireDelivery = false
    @Flag(
        help:
            "Run the command also without a server: its output is kept here, and delivered once there is one, or by `everyline recover`."
    )
    var bestEffort = false
    @Flag(name: .shortAndLong, help: "Don't say which execution it is and where its page is.")
    var quiet = false
    @Flag(
        name: [.customShort("t"), .long],
        help: "Insist on a terminal for the command: fail if standard output is none.")
    var tty = false
    @Flag(help: "Give the command a pipe, also where standard output is a terminal.")
    var noTty = false
    @OptionGroup
    var command: CommandOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        guard tty else { return }
        if noTty { throw ValidationError("--tty and --no-tty exclude each other.") }
        if command.streams == .split {
            throw ValidationError("A terminal is one stream: --streams split excludes --tty.")
        }
        if !Console.isTerminal { throw ValidationError("--tty: standard output is no terminal.") }
    }

    func run() async throws {
        let request = command.requestHere
        let terminal = noTty || command.streams == .split ? nil : try UserTerminal()
        OwnProcess.adoptOrphans()
        let process = CommandProcess(
            request, words: command.bytes, environment: try command.environmentHere(),
            place: .foreground { Self.stopWithCommand($0, terminal) })
        // Before anything is begun: from then on no signal ends this process by itself.
        let signals = try UserSignals()
        var producer = LocalProducer(
            connection: connection, command: command.shown, terminal: terminal?.size, requiresDelivery: requireDelivery,
            isQuiet: quiet, isBestEffort: bestEffort)
        if let terminal { producer.isDrawnOn = { terminal.isDrawnOn } }
        let result = try await producer.run(
            signals,
            whileSending: { await Self.relay(signals.late, to: process, terminal, $0) },
            { production in
                let (output, error) = (
                    OutputCopy.copy(to: .standardOutput, named: "standard output"),
                    OutputCopy.copy(to: .standardError, named: "standard error")
                )
                let outcome = try await Runner(
                    process, of: production.execution, recorder: production.recorder, stop: production.stop,
                    endFields: production.endFields,
                    foreground: .init(
                        input: .standardInput, output: output, error: error, terminal: terminal),
                    clock: ContinuousClock()
                ).run()
                // The log has its end; the readers may take their time.
                while !output.flush() || !error.flush(), production.leave.reason == nil {
                    try await ContinuousClock().sleep(for: .milliseconds(20))
                }
                for copy in [output, error] { copy.giveUp() }
                return outcome
            })
        if result.outcome.reason != nil { Console.say(result.outcome.sentence) }
        if let shortfall = result.shortfall {
            Console.say(shortfall)
            if requireDelivery { throw Root.failure }
        }
        // The process that started this sees how the command ended: a shell ends its loops when a Ctrl-C has ended what
        // runs in them.
        if result.outcome.reason == nil, let signal = process.endingSignal { OwnProcess.suffer(signal) }
        if result.outcome.processExitCode != 0 { throw ExitCode(result.outcome.processExitCode) }
    }

    /// Hands on what is sent to this process alone: what comes from the terminal, the command has got itself. Once the
    /// command has ended, it means that the user won't wait for the server.
    private static func relay(
        _ signals: AsyncStream<SentSignal>, to process: CommandProcess, _ terminal: UserTerminal?,
        _ production: LocalProducer.Production
    ) async {
        for await signal in signals {
            if let terminal, Self.isHandled(signal, process, terminal) { continue }
            guard !process.hasEnded || process.wasRunning(at: signal.time) else {
                leave(production, on: signal)
                continue
            }
            let hasIt = signal.isFromTerminal && process.wasRunning(at: signal.time)
            // What a part of the command sends to its whole group, the command has got too.
            guard !hasIt, !process.hasStarted(signal.sender) else { continue }
            // A shell ends all of its job so, and with a terminal of its own the command isn't in this process's group.
            if signal.number == SIGCONT {
                process.handOnContinue()
            } else if terminal != nil, signal.ends {
                process.signalGroup(signal.number)
            } else {
                process.signalCommand(signal.number)
            }
        }
    }

    /// What a signal means for a command that has a terminal of its own: what this process's terminal says of itself is
    /// not for it.
    private static func isHandled(_ signal: SentSignal, _ process: CommandProcess, _ terminal: UserTerminal) -> Bool {
        if signal.number == SIGCONT { terminal.resume() }
        // A key, of which the others of this process group hear by this process.
        if signal.sender == getpid() { return true }
        // When the terminal is closed, a shell hangs up on the whole groups of its jobs, and the kernel on the
        // session's leader.
        let isForAll = signal.isFromTerminal || signal.number == SIGHUP && terminal.isGone
        guard isForAll, !process.hasEnded, process.wasRunning(at: signal.time) else { return false }
        switch signal.number {
        case SIGWINCH: terminal.resize()
        case SIGTTIN, SIGTTOU, SIGCONT: break
        default: process.signalGroup(signal.number)
        }
        return true
    }

    /// What a signal does while no command runs.
    private static func leave(_ production: LocalProducer.Production, on signal: SentSignal) {
        switch signal.number {
        case SIGTSTP, SIGTTIN, SIGTTOU: OwnProcess.suffer(signal.number)
        case SIGINT, SIGTERM, SIGHUP, SIGQUIT:
            if signal.isFromTerminal { Console.signalCame() }
            // What is in the pipe yet is written first, where there is room for it.
            let spool = production.recorder.spool
            if spool.end != nil || !spool.hasRoom { production.leave.stop(.requested) }
        default: break
        }
    }

    /// The shell sees that the command was stopped when this process is: then it takes the terminal, and `fg` lets both
    /// go on.
    private static func stopWithCommand(_ signal: Int32, _ terminal: UserTerminal?) -> CommandProcess.StopAnswer {
        // Elsewhere than at a terminal, who stops the command by SIGSTOP alone would not let this process go on with
        // it.
        guard signal != SIGSTOP || OwnProcess.isInForeground else { return .left }
        if [SIGTTIN, SIGTTOU].contains(signal), let terminal {
            if terminal.isCommandsTurn { return .refused }
            // Its shell has gone meanwhile: the kernel hangs up on what is stopped then, and would not stop this
            // process.
            if OwnProcess.isOrphaned {
                terminal.hangUp()
                return .refused
            }
        }
        terminal?.yield()
        OwnProcess.suffer(signal)
        terminal?.resume()
        return .stopped
    }
}
