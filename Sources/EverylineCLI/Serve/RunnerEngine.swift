import Everyline
import EverylineRunner

/// Commands as processes of this machine, each under a runner of its own.
struct RunnerEngine: CommandEngine {
    let runners: RunnerSupervisor
    let lineLimit: ByteCount
    /// The life of the data in which commands begin.
    let incarnation: Incarnation?
    let isRecordOnly: Bool
    /// Where this process, and so a runner, runs.
    let here = CommandPlace.here()

    var platform: Platform { .embedded }
    /// A request that died has left no process.
    var restart: Duration? { nil }

    func place(of request: RunRequest) -> CommandPlace {
        CommandPlace(
            host: here.host, user: here.user, directory: request.workingDirectory ?? here.directory,
            terminal: request.terminal)
    }

    func check(_ request: RunRequest) async throws {
        guard !isRecordOnly else {
            throw CommandRefusal.notSupported(
                "This server only records: it runs no commands. Run it where you are, with everyline exec.")
        }
        guard !request.needsTasks else {
            throw CommandRefusal.notSupported(
                "Commands run here on the server's own machine: profiles, sizes and secrets are the AWS form's.")
        }
    }

    func start(_ launch: LaunchRequest) async throws {
        try runners.start(
            RunnerJob(
                execution: launch.execution, appendToken: launch.appendToken, request: launch.request,
                lineLimit: lineLimit, incarnation: incarnation))
    }

    /// A runner asks by itself whether it should stop.
    func stop(_ execution: Execution) async throws {}

    func inspect(_ execution: ExecutionID) async throws -> CommandState {
        runners.supervises(execution) ? .running : .unknown
    }
}
