import ArgumentParser
import Everyline
import EverylineProducer
import EverylineRunner
import Glibc
import SystemPackage

struct Pipe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record standard input as an execution's log: make test 2>&1 | everyline pipe",
        discussion: """
            What is read is also written to standard output. The execution succeeds when the input ends: a pipe doesn't say \
            how the command before it ended. (`everyline exec` does.) The first Ctrl-C is for that command; a second one stops the \
            recording. Where standard output takes no more, the recording goes on. It fails, with 1, if the input can't be read. What the server didn't take within a minute after the \
            input's end is kept here for `everyline recover`, and said on standard error.
            """)

    @Option(help: ArgumentHelp("What is shown as the execution's command.", valueName: "text"))
    var name = "pipe"
    @Flag(name: .shortAndLong, help: "Don't write what is read to standard output.")
    var quiet = false
    @Flag(help: "Wait until the server has everything, and exit with 125 if it refuses or Ctrl-C ends the waiting.")
    var requireDelivery = false
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        guard !name.isEmpty else { throw ValidationError("--name must not be empty.") }
    }

    func run() async throws {
        let recording = try InputRecording(
            copy: quiet ? nil : .copy(to: .standardOutput, named: "standard output"),
            onFailure: { Console.say("standard input can't be read: \($0). The log has only what came before.") })
        let producer = LocalProducer(connection: connection, command: [name], requiresDelivery: requireDelivery)
        let signals = try UserSignals()
        let result = try await producer.run(
            signals,
            whileSending: { production in
                // The first Ctrl-C is for the command before the pipe, whose last words are still to come. At a
                // terminal there is none.
                var presses = isatty(STDIN_FILENO) == 1 ? 1 : 0
                for await signal in signals.late {
                    guard [SIGINT, SIGTERM, SIGHUP].contains(signal.number) else {
                        OwnProcess.suffer(signal.number)
                        continue
                    }
                    presses += 1
                    if signal.isFromTerminal { Console.signalCame() }
                    if signal.number == SIGINT, presses == 1 { continue }
                    // Where there is no room, nothing that is still read could be written.
                    let spool = production.recorder.spool
                    if spool.end != nil || !spool.hasRoom {
                        production.leave.stop(.requested)
                        continue
                    }
                    production.stop.stop(.requested)
                }
            },
            { try await recording.run($0.recorder, stop: $0.stop, clock: ContinuousClock()) })
        if result.outcome.status != .succeeded { Console.say(result.outcome.sentence) }
        if let shortfall = result.shortfall {
            Console.say(shortfall)
            if requireDelivery { throw Root.failure }
        }
        if result.outcome.status != .succeeded { throw ExitCode(1) }
    }
}
