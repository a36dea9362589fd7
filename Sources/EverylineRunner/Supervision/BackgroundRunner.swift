package import Everyline
import EverylineClient
package import EverylineProducer
package import Logging
import Synchronization

/// What the process `everyline runner DIRECTORY` does: the job in its directory, once.
package struct BackgroundRunner: Sendable {
    private let directory: JobDirectory
    private let environment: CommandEnvironment
    private let stop: StopSignal
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - environment: what the command's environment is made from.
    ///   - stop: has a signal that ends this process stop the command.
    package init(
        _ directory: JobDirectory, environment: CommandEnvironment, stop: StopSignal, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.directory = directory
        self.environment = environment
        self.stop = stop
        self.logger = logger
        self.now = now
    }

    /// Runs the command and delivers its output; returns when nothing is left to do.
    ///
    /// - Parameter isSuccessor: whether an earlier runner of this directory is gone: the command isn't started then.
    /// - Throws: what makes this process unable to do anything; the supervisor starts another one later.
    package func run(isSuccessor: Bool) async throws {
        guard try directory.files.claim() else { return logger.info("Another runner is at work, or has finished") }
        let job = try directory.job()
        guard let token = Credential(job.appendToken) else { preconditionFailure("a job has a token") }
        let spool = try Spool(in: directory.files)
        if let incarnation = job.incarnation.flatMap({ Incarnation($0) }) { spool.begin(in: incarnation) }
        let recorder = Recorder(spool: spool, lineLimit: job.lineLimit, now: now)
        let configuration = EverylineClient.Configuration(
            address: ServerAddress(socketPath: try directory.serverSocket()))
        let conclusion = try await EverylineClient.with(configuration) { client in
            let uplink = uplink(spool, client, token)
            if isSuccessor || directory.mayHaveStarted {
                // If its end is recorded, the processes that it left behind run on.
                if spool.end == nil { await Leftovers(directory).end() }
                return try await uplink.runForLostProcess(directory.isCopy ? Self.copied : Uplink.lostProcess)
            }
            let session = ProducerSession(uplink, recorder: recorder, stop: stop) {
                logger.error("The server refuses the output; the command goes on", metadata: ["error": "\($0)"])
            }
            let input = CommandInput { [execution = directory.execution] place, size, isClosed in
                try await client.readInput(
                    of: execution, after: place, size: size, isClosed: isClosed, token: token)
            }
            return try await session.run { try await run(job, recorder, input) }.conclusion
        }
        switch conclusion {
        case .refused(let error) where error.knownCode != .ended || mustKeep(spool):
            // Also what no execution is known for: it may have been begun after the backup that the server was restored
            // from.
            try directory.giveUp(error.description)
        case .delivered, .refused:
            directory.files.remove()
        }
    }

    /// Whether output is here that the log was ended without. After a requested stop the user doesn't wait for it.
    private func mustKeep(_ spool: Spool) -> Bool {
        let output = spool.end.map { Offset($0.rawValue - 1) } ?? spool.last
        return stop.reason != .requested && spool.delivered < output
    }

    private static let copied =
        "This log is in a copy of the data directory. Its command belongs to the server that the copy was made from, and is not followed here."

    private func run(_ job: RunnerJob, _ recorder: Recorder, _ input: CommandInput) async throws {
        do {
            // It must not be started twice, whatever becomes of this process.
            try directory.noteStarting()
        } catch {
            recorder.note(.notStarted, "The command was not started: its start can't be noted on the disk: \(error).")
            return recorder.end(ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted))
        }
        let runner = Runner(
            CommandProcess(job.request, environment: environment.withoutSettings), of: directory.execution,
            recorder: recorder, stop: stop, endFields: job.endFields ?? [],
            input: input, clock: ContinuousClock(), onStart: noteStarted)
        _ = try await runner.run()
    }

    private func noteStarted(_ process: ProcessIdentity) {
        do {
            try directory.noteStarted(process)
        } catch {
            logger.warning(
                "The command's process can't be noted; a successor finds it by its environment only",
                metadata: ["error": "\(error)"])
        }
    }

    private func uplink(_ spool: Spool, _ client: EverylineClient, _ token: Credential) -> Uplink {
        let server = ProducerEndpoint(client, execution: directory.execution, token: token)
        let absence = Absence(clock: ContinuousClock(), limit: .seconds(60))
        let endpoint = ProducerEndpoint(
            append: { events, head, incarnation in
                let isGone = absence.isLong(directory.files.exists)
                guard spool.end == nil || !isGone else { throw JobDirectory.Deleted() }
                return try await server.append(events, head, incarnation)
            },
            setPending: server.setPending, mustStop: server.mustStop)
        return Uplink(
            spool: spool, endpoint: endpoint, policy: RetryPolicy(longest: .seconds(5)), clock: ContinuousClock(),
            now: now, stopRequested: { [stop] in stop.stop(.requested) },
            willRetry: { logger.warning("The server can't be reached", metadata: ["error": "\($0)"]) })
    }
}

/// For how long a thing that is looked for has not been there.
private final class Absence: Sendable {
    private let since = Mutex<ContinuousClock.Instant?>(nil)
    private let clock: ContinuousClock
    private let limit: Duration

    init(clock: ContinuousClock, limit: Duration) {
        self.clock = clock
        self.limit = limit
    }

    /// Notes whether it is there now.
    ///
    /// - Returns: whether it has been away for longer than the limit.
    func isLong(_ isThere: Bool) -> Bool {
        since.withLock { since in
            since = isThere ? nil : since ?? clock.now
            return since.map { clock.now - $0 > limit } ?? false
        }
    }
}
