import ArgumentParser
import Everyline
import EverylineProducer
import EverylineRunner
import EverylineServer
import Logging
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the server starts for each command: a process of its own, which outlives the server.
struct RunnerProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runner", abstract: "Run the job in a directory.", shouldDisplay: false)

    @Flag(help: "An earlier runner is gone: end what it began.")
    var recover = false
    @Argument
    var directory: String

    func run() async throws {
        guard let directory = JobDirectory(path: directory) else {
            throw ValidationError("\(directory) is no runner's directory.")
        }
        OwnProcess.adoptOrphans()
        let stop = StopSignal()
        let logger = Logger(label: "everyline.runner") { JSONLogHandler(label: $0, level: .info, now: { .now }) }
        let runner = BackgroundRunner(
            directory, environment: .inherited, stop: stop, logger: logger,
            now: { .now })
        try await withThrowingTaskGroup { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
                    stop.stop(.requested)
                }
            }
            defer { group.cancelAll() }
            try await runner.run(isSuccessor: recover)
        }
    }
}
