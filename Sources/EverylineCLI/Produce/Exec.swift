import ArgumentParser
import Everyline
import EverylineRunner
import Glibc
import Synchronization
import SystemPackage
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command here, with its log on the server.",
        usage: "everyline exec [<options>] -- <command> ...",
        discussion: """
            The command has this terminal's input, its output is shown here and goes to the server besides. When the server \
            is away, the output is kept on disk until it is back. Exits with the command's exit code, or with 125 if the \
            server doesn't have everything. Ctrl-C goes to the command.
            """)

    @OptionGroup
    var command: CommandOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        let request = try command.request(in: nil)
        let process = Mutexed<CommandProcess>()
        let producer = LocalProducer(connection: connection, command: request.command)
        let outcome = try await producer.run(
            whileSending: { try await Self.passSignals($0, to: process) },
            { production in
                let environment = CommandEnvironment.make(
                    from: ProcessInfo.processInfo.environment, request, execution: production.execution)
                let command = CommandProcess(request, environment: environment)
                process.set(command)
                let runner = Runner(
                    command, recorder: production.recorder, stopping: production.stopping,
                    foreground: .init(input: .standardInput, output: .standardOutput, error: .standardError),
                    clock: ContinuousClock())
                return try await runner.run()
            })
        if outcome.reason != nil { Console.say(outcome.sentence) }
        if outcome.processExitCode != 0 { throw ExitCode(outcome.processExitCode) }
    }

    /// Hands on what the user sends. Once the command has ended, it means that the user won't wait for the server.
    private static func passSignals(
        _ production: LocalProducer.Production, to process: Mutexed<CommandProcess>
    ) async throws {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
            let spool = production.recorder.spool
            if let end = spool.end {
                throw CLIError(
                    "not waiting for the server: it lacks events \(spool.acknowledged.next) to \(end) of "
                        + "\(production.execution).")
            }
            switch signal {
            case .sigint: process.value?.signal(SIGINT)
            default: production.stopping.stop(.requested)
            }
        }
    }
}

/// A value that is there later.
private final class Mutexed<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}
