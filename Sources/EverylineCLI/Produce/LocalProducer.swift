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

    /// Whether the caller wants to know by the exit code that the server has everything, and waits for that as long as
    /// it takes.
    let requiresDelivery: Bool
    /// Whether nothing is said of what goes as it should.
    var isQuiet = false
    /// Whether the output is also made where no server can be told of it, and kept until there is one.
    var isBestEffort = false

    /// Whether the command draws on the user's terminal now.
    var isDrawnOn: @Sendable () -> Bool = { false }

    /// - Parameter terminal: the size of the one that the command gets.
    init(
        connection: ConnectionOptions, command: [String], terminal: TerminalSize? = nil, requiresDelivery: Bool,
        isQuiet: Bool = false, isBestEffort: Bool = false
    ) {
        self.connection = connection
        self.command = command
        self.requiresDelivery = requiresDelivery
        self.isQuiet = isQuiet
        self.isBestEffort = isBestEffort
        place = .here(terminal: terminal)
    }

    private let place: CommandPlace
    /// Under which the execution is registered, however often that is asked for.
    let registration = IdempotencyKey.newValue()
    var request: RegisterRequest { RegisterRequest(command: command, place: place) }

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

    /// Runs `produce`, which records to the `end`, and waits until the server has all of it. Nothing that the server
    /// does, or doesn't, ends `produce`.
    ///
    /// - Parameters:
    ///   - signals: one that ends a process does so until the execution is registered; its log, if there is one, is
    ///     ended. From then on they are for `whileSending`.
    ///   - whileSending: runs beside it, and is cancelled at the end.
    /// - Throws: ``CLIError`` if the execution can't be registered, or its output has no place here: nothing was
    ///   started then. And what `produce` throws.
    func run(
        _ signals: UserSignals,
        whileSending: @escaping @Sendable (Production) async throws -> Void,
        _ produce: @escaping @Sendable (Production) async throws -> ExecutionOutcome
    ) async throws -> Result {
        try await connection.withClient { client in
            let start = try await begin(client, unlessBy: signals)
            Recover.remind()
            let (directory, spool) = (start.directory, start.spool)
            let production = Production(
                execution: start.execution,
                recorder: Recorder(spool: spool, lineLimit: start.lineLimit, now: { .now }),
                stop: StopSignal(), endFields: start.endFields)
            let voice = DeliveryVoice(spool, directory: directory.files.path, isDrawnOn: isDrawnOn)
            let uplink = Uplink(
                spool: spool, endpoint: voice.hearing(start.endpoint), policy: RetryPolicy(),
                clock: ContinuousClock(), isFirst: true, now: { .now },
                stopRequested: { production.stop.stop(.requested) },
                willRetry: voice.note)
            let session = ProducerSession(
                uplink, recorder: production.recorder, stop: production.stop, wasRefused: voice.refused)
            let outcome = Mutexed<ExecutionOutcome>()
            let conclusion = try await firstConclusion(
                {
                    do {
                        return .session(
                            try await session.run { outcome.set(try await produce(production)) }.conclusion)
                    } catch  where outcome.value != nil {
                        return .left("\(error)")
                    }
                },
                { try await waitPatiently(production, start) },
                beside: { try await whileSending(production) },
                { try await Self.sayWhenFull(spool, directory.files.path) },
                { try await voice.run() })
            let shortfall = settle(conclusion, start, voice)
            guard let outcome = outcome.value else { throw CLIError(shortfall ?? "The command's end is not known.") }
            return Result(outcome: outcome, shortfall: shortfall)
        }
    }

    private enum Conclusion: Sendable {
        case session(Uplink.Conclusion)
        case left(String)
    }

    /// Runs all of it at once, until one of `ways` concludes, and cancels the rest then.
    private func firstConclusion(
        _ ways: (@Sendable () async throws -> Conclusion?)..., beside others: (@Sendable () async throws -> Void)...
    ) async throws -> Conclusion {
        try await withThrowingTaskGroup(of: Conclusion?.self) { group in
            for way in ways { group.addTask { try await way() } }
            for other in others {
                group.addTask {
                    try await other()
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// Ends the waiting once the command has ended and the server has made no progress for long, or the user leaves.
    ///
    private func waitPatiently(_ production: Production, _ start: Start) async throws -> Conclusion? {
        let spool = production.recorder.spool
        let clock = ContinuousClock()
        while spool.end == nil, production.leave.reason == nil {
            let version = spool.changes.version
            if spool.end == nil { try await spool.changes.wait(past: version, atMost: .milliseconds(500), on: clock) }
        }
        if spool.end != nil, start.isUnrecorded { return .left("there was no place for it") }
        if spool.end != nil, let late = start.late, !requiresDelivery {
            // The next try may be seconds away.
            await late.tryNow(within: Self.shortTimeout, unless: production.leave)
            if late.registered == nil { return .left("no server has taken it") }
        }
        var (delivered, since, isSaid) = (spool.delivered, clock.now, false)
        while production.leave.reason == nil {
            let version = spool.changes.version
            // After a restore it is less.
            if spool.delivered != delivered { (delivered, since) = (spool.delivered, clock.now) }
            if clock.now - since >= .seconds(2), !isSaid {
                isSaid = true
                Console.say("waiting for the server; Ctrl-C leaves the rest to `everyline recover`")
            }
            if !requiresDelivery, clock.now - since >= Self.patience {
                return .left("the server has taken nothing for \(Self.patience.components.seconds) seconds")
            }
            try await spool.changes.wait(past: version, atMost: .milliseconds(500), on: clock)
        }
        return .left("not waiting for the server")
    }

    /// Tells the user, once each time, that the command has to wait for the disk.
    ///
    /// - Throws: `CancellationError`.
    private static func sayWhenFull(_ spool: Spool, _ directory: String) async throws {
        let clock = ContinuousClock()
        var (since, isSaid) = (clock.now, false)
        while true {
            let version = spool.changes.version
            if spool.hasRoom { (since, isSaid) = (clock.now, false) }
            if !isSaid, clock.now - since >= .seconds(2) {
                isSaid = true
                Console.say("There is no room for more output in \(directory): the command waits until there is.")
            }
            try await spool.changes.wait(past: version, atMost: .seconds(1), on: clock)
        }
    }

    /// Removes what isn't needed any more, and says what is missing.
    private func settle(_ conclusion: Conclusion, _ start: Start, _ voice: DeliveryVoice) -> String? {
        let (spool, directory) = (start.spool, start.directory)
        voice.sayAll()
        let missing =
            spool.end.map { "events \(spool.delivered.next) to \($0)" } ?? "events from \(spool.delivered.next) on"
        let registered = start.late?.registered?.execution
        let id = registered ?? start.execution
        switch conclusion {
        case .session(.delivered):
            voice.delivered()
            directory.remove()
            return nil
        case .session(.refused(let error)):
            // Without that note `everyline recover` learns it from the server again.
            try? directory.keep(refusedWith: error)
            let kept =
                spool.isWhole
                ? "They are kept in \(directory.files.path)."
                : "There was no room for all of them, and the rest is lost; what there was room for is in \(directory.files.path)."
            return
                "The log of \(id) lacks \(missing): the server refused them (\(error)). \(kept) \(KeptOutput.ways(start.execution))"
        case .left(let why) where start.isUnrecorded:
            return "Nothing of the output was recorded: \(why)."
        case .left(let why) where spool.end == nil:
            return
                "The output is not whole: \(why), and there was no room for the rest of it, which is lost. What there was room for is in \(directory.files.path): `everyline recover` delivers it."
        case .left(let why) where start.late != nil && registered == nil:
            return "The output is kept here: \(why). `everyline recover` delivers it."
        case .left(let why):
            return "The log of \(id) lacks \(missing): \(why). They are kept here: `everyline recover` delivers them."
        }
    }
}

/// A value that is there later.
final class Mutexed<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}
