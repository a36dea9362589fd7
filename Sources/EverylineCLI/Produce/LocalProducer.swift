import Everyline
import EverylineClient
import EverylineProducer
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

    /// Whether the caller wants to know by the exit code that the server has everything, and waits for that as long as it takes.
    let requiresDelivery: Bool
    /// Whether nothing is said of what goes as it should.
    var isQuiet = false

    /// What goes on here.
    struct Production: Sendable {
        let execution: ExecutionID
        let recorder: Recorder
        let stop: StopSignal
        /// The fields of an `end` that the server knows.
        let endFields: [String]
        /// Ends the waiting for the server after the command's end.
        let leave = StopSignal()
    }

    /// How the recording ended: the command's outcome stands whatever became of its log.
    struct Result: Sendable {
        let outcome: ExecutionOutcome
        /// What the user is told if the server doesn't have everything.
        let shortfall: String?
    }

    /// How long the server may make no progress after the command's end before the rest is left to `everyline recover`.
    private static let patience: Duration = .seconds(60)

    /// Runs `produce`, which records to the `end`, and waits until the server has all of it. Nothing that the server does, or doesn't,
    /// ends `produce`.
    ///
    /// - Parameter whileSending: runs beside it, and is cancelled at the end.
    /// - Throws: ``CLIError`` if the execution can't be registered, or its output has no place here: nothing was started then. And what
    ///   `produce` throws.
    func run(
        whileSending: @escaping @Sendable (Production) async throws -> Void,
        _ produce: @escaping @Sendable (Production) async throws -> ExecutionOutcome
    ) async throws -> Result {
        try await connection.withClient { client in
            // Before anything is registered that could not be recorded.
            let place = try ProducerDirectory.place()
            let registered = try await register(client)
            guard let id = ExecutionID(registered.executionID), let token = Credential(registered.appendToken) else {
                throw CLIError("the server gave no usable id")
            }
            if !isQuiet { Console.announce(id, at: client.configuration.address) }
            Recover.remind()
            let endpoint = ProducerEndpoint(client, execution: id, token: token)
            let directory: ProducerDirectory
            let spool: Spool
            do {
                directory = try ProducerDirectory.make(
                    for: id, .init(configuration: connection.configuration(), appendToken: registered.appendToken),
                    in: place)
                spool = try Spool(in: directory.files)
                if let incarnation = registered.incarnation.flatMap({ Incarnation($0) }) {
                    spool.begin(in: incarnation)
                }
            } catch {
                // Where the server can't be told now either, it ends the log when it has not heard of its producer for long.
                try? await endpoint.endUnstarted("The command was not started: \(error)", at: .now)
                throw error
            }
            // Longer lines the server would cut, and an event would not be an offset.
            let lineLimit = max(1, min(registered.lineLimit ?? LineCutter.defaultLimit, LineCutter.defaultLimit))
            let production = Production(
                execution: id, recorder: Recorder(spool: spool, lineLimit: lineLimit, now: { .now }),
                stop: StopSignal(), endFields: registered.endFields ?? [])
            let voice = DeliveryVoice(directory: directory.files.path)
            let uplink = Uplink(
                spool: spool, endpoint: endpoint, policy: RetryPolicy(),
                clock: ContinuousClock(), now: { .now }, stopRequested: { production.stop.stop(.requested) },
                willRetry: voice.note)
            let session = ProducerSession(
                uplink, recorder: production.recorder, stop: production.stop, wasRefused: voice.refused)
            let outcome = Mutexed<ExecutionOutcome>()
            let conclusion = try await withThrowingTaskGroup(of: Conclusion?.self) { group in
                group.addTask {
                    do {
                        return .session(
                            try await session.run {
                                let ended = try await produce(production)
                                outcome.set(ended)
                            }.conclusion)
                    } catch  where outcome.value != nil {
                        return .left("\(error)")
                    }
                }
                group.addTask {
                    try await whileSending(production)
                    return nil
                }
                group.addTask { try await waitPatiently(production) }
                defer { group.cancelAll() }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw CancellationError()
            }
            guard let outcome = outcome.value else { throw CancellationError() }
            return Result(outcome: outcome, shortfall: try settle(conclusion, id, spool, directory, voice))
        }
    }

    private enum Conclusion: Sendable {
        case session(Uplink.Conclusion)
        case left(String)
    }

    /// Registers the execution, trying again for a few seconds.
    private func register(_ client: EverylineClient) async throws -> RegisterAnswer {
        do {
            return try await RetryPolicy.fewTimes.run(
                isTransient: { ($0 as? APIError)?.mayPassForProducer ?? RetryPolicy.isTransient($0) }
            ) {
                try await client.register(RegisterRequest(command: command))
            }
        } catch let error as APIError where !error.isForeign {
            throw error
        } catch {
            let address = client.configuration.address
            let absence = ConnectionOptions.absence(of: address, error) ?? CLIError("\(error), at \(address).")
            throw CLIError("\(absence) Nothing was started.")
        }
    }

    /// Ends the waiting once the command has ended and the server has made no progress for long, or the user leaves.
    private func waitPatiently(_ production: Production) async throws -> Conclusion? {
        let spool = production.recorder.spool
        let clock = ContinuousClock()
        while spool.end == nil {
            let version = spool.changes.version
            if spool.end == nil { try await spool.changes.wait(past: version) }
        }
        var (delivered, since) = (spool.delivered, clock.now)
        while production.leave.reason == nil {
            let version = spool.changes.version
            // After a restore it is less.
            if spool.delivered != delivered { (delivered, since) = (spool.delivered, clock.now) }
            if !requiresDelivery, clock.now - since >= Self.patience {
                return .left("the server has taken nothing for \(Self.patience.components.seconds) seconds")
            }
            try await spool.changes.wait(past: version, atMost: .milliseconds(500), on: clock)
        }
        return .left("not waiting for the server")
    }

    /// Removes what isn't needed any more, and says what is missing.
    private func settle(
        _ conclusion: Conclusion, _ id: ExecutionID, _ spool: Spool, _ directory: ProducerDirectory,
        _ voice: DeliveryVoice
    ) throws -> String? {
        let missing =
            spool.end.map { "events \(spool.delivered.next) to \($0)" } ?? "events from \(spool.delivered.next) on"
        switch conclusion {
        case .session(.delivered):
            voice.delivered()
            directory.files.remove()
            return nil
        case .session(.refused(let error)):
            try directory.keep(refusedWith: error)
            return
                "The log of \(id) lacks \(missing): the server refused them (\(error)). They are kept in \(directory.files.path)."
        case .left(let why):
            return "The log of \(id) lacks \(missing): \(why). They are kept here: `everyline recover` delivers them."
        }
    }
}

/// Tells the user how the delivery goes, but not at each try.
private final class DeliveryVoice: Sendable {
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

    func refused(_ error: APIError) {
        Console.say("The server refuses the output: \(error). The command goes on; its output is kept in \(directory).")
    }

    func delivered() {
        guard failures.withLock({ $0 > 0 }) else { return }
        Console.say("Everything has been delivered.")
    }
}

/// A value that is there later.
final class Mutexed<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}
