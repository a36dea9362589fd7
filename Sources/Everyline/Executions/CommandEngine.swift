/// Runs executions' commands: as processes of the server's machine, or as tasks of a service.
///
/// What a command writes, and how it ends, its log learns from the producer that runs with it, not from the engine.
package protocol CommandEngine: Sendable {
    var platform: Platform { get }

    /// For how long after an execution's making a repeated request starts its command, if none is known; `nil` where it
    /// never does. Within it, a start that is repeated starts nothing twice.
    var restart: Duration? { get }

    /// Where a command will run, as far as that is known before it does.
    func place(of request: RunRequest) -> CommandPlace

    /// Says whether a command can be run at all, before anything is made for it.
    ///
    /// - Throws: ``CommandRefusal``, or any other error if that can't be said now.
    func check(_ request: RunRequest) async throws

    /// Starts a registered execution's command.
    ///
    /// - Throws: ``StartUnclear`` if it may have been started. Whatever else is thrown means that nothing was,
    ///   ``StartRefused`` with the reason for the log.
    func start(_ launch: LaunchRequest) async throws

    /// Has a command stopped whose stop was requested. Repeating it changes nothing.
    ///
    /// - Throws: any error, after which it may be asked for again.
    func stop(_ execution: Execution) async throws

    /// Says what there is of an execution's command.
    ///
    /// - Throws: any error, if that can't be said now.
    func inspect(_ execution: ExecutionID) async throws -> CommandState
}

/// What an engine knows of an execution's command.
package enum CommandState: Sendable, Equatable {
    /// The engine knows of no command: it was never started, or is forgotten.
    case unknown
    /// It runs, or is about to; or the engine looks after its end.
    case running
    /// It has ended, which its log may not say yet.
    case ended(ExecutionOutcome)
}

/// What an engine needs to start an execution's command.
package struct LaunchRequest: Sendable {
    package let execution: ExecutionID
    package let request: RunRequest
    package let appendToken: Secret

    package init(execution: ExecutionID, request: RunRequest, appendToken: Secret) {
        self.execution = execution
        self.request = request
        self.appendToken = appendToken
    }
}

/// Why an engine can't run a command, in words for its user.
package enum CommandRefusal: Error, Equatable {
    /// This engine doesn't run such commands.
    case notSupported(String)
    /// No command can be such.
    case invalid(String)
}

/// Nothing was started, and why, in the words of the service that runs commands.
package struct StartRefused: Error, Equatable {
    package let reason: String

    package init(reason: String) { self.reason = reason }
}

/// It is unknown whether the command was started.
package struct StartUnclear: Error {
    package let cause: any Error

    package init(_ cause: any Error) { self.cause = cause }
}
