import ArgumentParser
import Everyline
import EverylineProducer
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
            is away, the output is kept on disk until it is back. Exits with the command's exit code. What the server didn't \
            take within a minute after the command's end is kept here for `everyline recover`, and said on standard error. \
            Ctrl-C goes to the command.
            """)

    @Flag(help: "Wait until the server has everything, and exit with 125 if it refuses or Ctrl-C ends the waiting.")
    var requireDelivery = false
    @OptionGroup
    var command: CommandOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        let request = try command.request(in: nil)
        let process = Mutexed<CommandProcess>()
        let producer = LocalProducer(
            connection: connection, command: request.command, requiresDelivery: requireDelivery)
        let result = try await producer.run(
            whileSending: { try await Self.passSignals($0, to: process) },
            { production in
                let environment = CommandEnvironment.make(
                    from: ProcessInfo.processInfo.environment, request, execution: production.execution)
                let command = CommandProcess(request, environment: environment)
                process.set(command)
                let runner = Runner(
                    command, recorder: production.recorder, stop: production.stop,
                    foreground: .init(
                        input: .standardInput, output: .copy(to: .standardOutput, named: "standard output"),
                        error: .copy(to: .standardError, named: "standard error")),
                    clock: ContinuousClock())
                return try await runner.run()
            })
        if result.outcome.reason != nil { Console.say(result.outcome.sentence) }
        if let shortfall = result.shortfall {
            Console.say(shortfall)
            if requireDelivery { throw Root.failure }
        }
        if result.outcome.processExitCode != 0 { throw ExitCode(result.outcome.processExitCode) }
    }

    /// Hands on what the user sends. Once the command has ended, it means that the user won't wait for the server.
    private static func passSignals(
        _ production: LocalProducer.Production, to process: Mutexed<CommandProcess>
    ) async throws {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
            if production.recorder.spool.end != nil {
                production.leave.stop(.requested)
                continue
            }
            switch signal {
            case .sigint: process.value?.signal(SIGINT)
            default: production.stop.stop(.requested)
            }
        }
    }
}

/// A value that is there later.
final class Mutexed<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}
