import Everyline
import EverylineClient
import EverylineRunner
import Glibc
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Registers an execution whose output is made here, and brings it to the server from here.
struct LocalProducer {
    let connection: ConnectionOptions
    /// What is shown as the execution's command.
    let command: [String]

    /// What goes on here.
    struct Production: Sendable {
        let execution: ExecutionID
        let recorder: Recorder
        let stopping: Stopping
    }

    /// Runs `produce`, which records to the `end`, until the server has all of it.
    ///
    /// - Parameter whileSending: runs beside it, and is cancelled when the server has everything; if it throws, the rest is
    ///   left unsent.
    /// - Returns: the outcome.
    /// - Throws: ``CLIError`` if the server doesn't have everything.
    func run(
        whileSending: @escaping @Sendable (Production) async throws -> Void,
        _ produce: @escaping @Sendable (Production) async throws -> ExecutionOutcome
    ) async throws -> ExecutionOutcome {
        try await connection.withClient { client in
            let registered = try await client.register(RegisterRequest(command: command))
            guard let id = ExecutionID(registered.executionID), let token = Credential(registered.appendToken) else {
                throw CLIError("the server gave no usable id")
            }
            Console.say("execution \(id)")
            Recover.remind()
            let directory = try ProducerDirectory.make(
                for: id, .init(configuration: connection.configuration(), appendToken: registered.appendToken))
            let recorder = Recorder(
                spool: try Spool(directory.files.spool, of: id), lineLimit: LineCutter.defaultLimit, now: { .now })
            let production = Production(execution: id, recorder: recorder, stopping: Stopping())
            let absence = Absence(directory: directory.files.path)
            let uplink = Uplink(
                spool: recorder.spool, execution: id, endpoint: ProducerEndpoint(client, execution: id, token: token),
                policy: RetryPolicy(), clock: ContinuousClock(), now: { .now }, willRetry: absence.note)
            let session = ProducerSession(uplink, stopping: production.stopping)
            let (outcome, conclusion) = try await withThrowingTaskGroup(
                of: (ExecutionOutcome, Uplink.Conclusion)?.self
            ) { group in
                group.addTask { try await session.run { try await produce(production) } }
                group.addTask {
                    try await whileSending(production)
                    return nil
                }
                defer { group.cancelAll() }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw CancellationError()
            }
            if case .refused(let error) = conclusion { throw CLIError("the server refused the output: \(error)") }
            directory.files.remove()
            return outcome
        }
    }
}

/// Tells the user that the server is away, but not at each try.
private final class Absence: Sendable {
    private let directory: String
    private let failures = Mutex(0)

    init(directory: String) { self.directory = directory }

    func note(_ error: any Error) {
        let count = failures.withLock { count in
            count += 1
            return count
        }
        guard count & (count - 1) == 0 else { return }
        Console.say("\(error). The output is kept in \(directory) and sent as soon as possible.")
    }
}
