import ArgumentParser
import Everyline
import EverylineRunner
import SystemPackage
import UnixSignals

struct Pipe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record standard input as an execution's log: make test 2>&1 | everyline pipe",
        discussion: """
            What is read is also written to standard output. The execution succeeds when the input ends: a pipe doesn't say \
            how the command before it ended. (`everyline exec` does.) Exits with 125 if the server doesn't have everything.
            """)

    @Option(help: ArgumentHelp("What is shown as the execution's command.", valueName: "text"))
    var name = "pipe"
    @Flag(name: .shortAndLong, help: "Don't write what is read to standard output.")
    var quiet = false
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        guard !name.isEmpty else { throw ValidationError("--name must not be empty.") }
    }

    func run() async throws {
        let recording = try InputRecording(copy: quiet ? nil : .standardOutput)
        let producer = LocalProducer(connection: connection, command: [name])
        let outcome = try await producer.run(
            whileSending: { production in
                // The first Ctrl-C is for the command before the pipe, whose last words are still to come.
                var presses = 0
                for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
                    presses += 1
                    if signal == .sigint, presses == 1 { continue }
                    if let end = production.recorder.spool.end {
                        throw CLIError("not waiting for the server: it lacks events up to \(end).")
                    }
                    production.stopping.stop(.requested)
                }
            },
            { try await recording.run($0.recorder, stopping: $0.stopping) })
        if outcome.status != .succeeded {
            Console.say(outcome.sentence)
            throw ExitCode(1)
        }
    }
}
