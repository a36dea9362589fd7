package import Everyline

/// Commands as tasks of ECS on Fargate.
///
///     start ─► RunTask ─► note of the task        stop ─► StopTask; no note, or a producer elsewhere ─► reconcile
///     queue
package struct ECSEngine: CommandEngine {
    package let platform: Platform
    private let commands: ECSCommands
    private let inspection: TaskInspection
    private let queue: any ReconcileQueue
    private let patience: StopPatience

    /// - Parameter patience: how long a producer elsewhere is given to hear of a stop.
    package init(
        region: String, commands: ECSCommands, inspection: TaskInspection, queue: any ReconcileQueue,
        patience: StopPatience
    ) {
        platform = .aws(region: region)
        self.commands = commands
        self.inspection = inspection
        self.queue = queue
        self.patience = patience
    }

    package var restart: Duration? { LostStarts.restart }

    /// A task's host has no name that says anything.
    package func place(of request: RunRequest) -> CommandPlace { CommandPlace(directory: request.workingDirectory) }

    package func check(_ request: RunRequest) async throws {
        guard request.terminal == nil else {
            throw CommandRefusal.notSupported("Commands run here without a terminal.")
        }
        guard request.input != true else {
            throw CommandRefusal.notSupported("Commands run here without an input.")
        }
        do { try await commands.check(request) } catch let error as CommandsError {
            throw CommandRefusal.invalid("\(error).")
        }
    }

    package func start(_ launch: LaunchRequest) async throws {
        do {
            try await commands.start(launch.request, as: launch.execution)
        } catch let error as CommandsError {
            throw StartRefused(reason: "\(error)")
        } catch {
            throw StartUnclear(error)
        }
    }

    package func stop(_ execution: Execution) async throws {
        switch execution.producer {
        case .external:
            // Looks later whether its producer has heard of it.
            try await queue.send(ReconcileMessage(.probe, of: execution.id), after: patience.absence)
        case .runner:
            // Its task may be about to be noted, or the note was lost: the Reconciler asks ECS.
            guard try await !commands.stop(execution.id) else { return }
            try await queue.send(ReconcileMessage(.probe, of: execution.id), after: .zero)
        }
    }

    package func inspect(_ execution: ExecutionID) async throws -> CommandState {
        guard let state = try await inspection.inspect(execution) else { return .unknown }
        return state.stopped.map { .ended($0.outcome) } ?? .running
    }
}
