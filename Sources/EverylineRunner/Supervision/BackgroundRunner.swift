package import Everyline
import EverylineClient
package import Logging

/// What the process `everyline runner DIRECTORY` does: the job in its directory, once.
package struct BackgroundRunner: Sendable {
    private let directory: JobDirectory
    private let environment: [String: String]
    private let stopping: Stopping
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - environment: what the command's environment is made from.
    ///   - stopping: lets whoever ends this process stop the command.
    package init(
        _ directory: JobDirectory, environment: [String: String], stopping: Stopping, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.directory = directory
        self.environment = environment
        self.stopping = stopping
        self.logger = logger
        self.now = now
    }

    /// Runs the command and delivers its output; returns when nothing is left to do.
    ///
    /// - Parameter isSuccessor: whether an earlier runner of this directory is gone: the command isn't started then.
    package func run(isSuccessor: Bool) async throws {
        guard directory.files.claim() else { return logger.info("Another runner is at work, or has finished") }
        let job = try directory.job()
        guard let token = Credential(job.appendToken) else { preconditionFailure("a job has a token") }
        let spool = try Spool(directory.files.spool, of: directory.execution)
        let recorder = Recorder(spool: spool, lineLimit: job.lineLimit, now: now)
        let configuration = EverylineClient.Configuration(address: ServerAddress(socketPath: job.serverSocket))
        let conclusion = try await EverylineClient.with(configuration) { client in
            let endpoint = endpoint(client, token)
            let uplink = uplink(spool, endpoint)
            let session = ProducerSession(uplink, stopping: stopping)
            return try await session.run {
                if isSuccessor || directory.mayHaveStarted {
                    directory.command()?.killGroup()
                    try await uplink.concludeForLostProcess(recorder)
                } else {
                    try await run(job.request, recorder)
                }
            }.conclusion
        }
        switch conclusion {
        case .refused(let error) where error.knownCode != .ended && error.knownCode != .unknownExecution:
            logger.error("The server refuses the output", metadata: ["error": "\(error)"])
            try directory.giveUp(error.description)
        case .delivered, .refused:
            directory.files.remove()
        }
    }

    private func run(_ request: RunRequest, _ recorder: Recorder) async throws {
        try directory.noteStarting()
        let environment = CommandEnvironment.make(from: environment, request, execution: directory.execution)
        let runner = Runner(
            CommandProcess(request, environment: environment), recorder: recorder, stopping: stopping,
            clock: ContinuousClock(), onStart: directory.noteStarted)
        _ = try await runner.run()
    }

    /// The server, for as long as the directory is there: whoever deletes it ends the command.
    private func endpoint(_ client: EverylineClient, _ token: Credential) -> ProducerEndpoint {
        let server = ProducerEndpoint(client, execution: directory.execution, token: token)
        return ProducerEndpoint(
            append: { events, head in
                guard directory.files.exists else { throw JobDirectory.Deleted() }
                return try await server.append(events, head)
            },
            mustStop: {
                guard directory.files.exists else { return true }
                return try await server.mustStop()
            })
    }

    private func uplink(_ spool: Spool, _ endpoint: ProducerEndpoint) -> Uplink {
        Uplink(
            spool: spool, execution: directory.execution, endpoint: endpoint, policy: RetryPolicy(longest: .seconds(5)),
            clock: ContinuousClock(), now: now,
            willRetry: { logger.warning("The server can't be reached", metadata: ["error": "\($0)"]) })
    }
}
