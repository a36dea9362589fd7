import Everyline
import EverylineRunner
import EverylineServer
import Logging
import ServiceLifecycle

/// Says that the server serves, once all its listeners stand; takes up the runners that an earlier server left, and
/// looks after those of this one.
struct RunnersService: Service {
    let core: ServerCore
    let runners: RunnerSupervisor
    let listening: AsyncStream<EverylineServer.Listening>
    /// The executions that had not ended when the server started.
    let unfinished: [ExecutionID]
    let logger: Logger
    let onListening: @Sendable (_ url: String) throws -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            guard let url = await listenersStand() else { return }
            logger.info("Serving", metadata: ["url": "\(url)"])
            try onListening(url)
            await withTaskGroup { group in
                group.addTask { await runners.run(giveUp: end) }
                group.addTask { await takeUp() }
            }
        }
    }

    /// - Returns: the public address; `nil` if the server stops before it stands.
    private func listenersStand() async -> String? {
        var url: String?
        var hasSocket = false
        for await listener in listening {
            switch listener {
            case .socket: hasSocket = true
            case .port(let host, let port, let isTLS): url = ListenAddress.url(host: host, port: port, isTLS: isTLS)
            }
            if let url, hasSocket { return url }
        }
        return nil
    }

    /// Takes up the runners of an earlier server, and ends the executions that no runner is left for.
    private func takeUp() async {
        guard await untilItSucceeds("Runners could not be taken up", runners.resume) != nil else { return }
        for id in unfinished {
            _ = await untilItSucceeds("A log could not be ended") {
                guard try await core.engine.inspect(id) == .unknown else { return }
                try await end(id, "it left no directory", restored: core.restored?.notice(of: id))
            }
        }
    }

    /// Ends a log that no runner will end, and says in it why.
    @Sendable private func end(_ id: ExecutionID, _ reason: String) async throws {
        try await end(id, reason, restored: nil)
    }

    private func end(
        _ id: ExecutionID, _ reason: String, restored: (code: NoticeCode, message: String)?
    ) async throws {
        do {
            guard try await !core.log.head(of: id).isEnded else { return }
        } catch LogStoreError.unknownExecution {
            // It was begun after the backup that was put back, or its log was removed.
            return logger.error(
                "The execution of a runner that gave up isn't known here; what it recorded is kept",
                metadata: ["execution_id": "\(id)", "reason": "\(reason)"])
        }
        logger.error("A runner is given up", metadata: ["execution_id": "\(id)", "reason": "\(reason)"])
        _ = try await core.writer.end(
            id, ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost),
            notice: restored
                ?? (.runnerLost, "The server has given up the process that ran the command: \(reason)."))
    }

    /// Tries a step once a second: the disk may be full, or out of reach for a while.
    ///
    /// - Returns: `nil` if the server stops first, or if the log is damaged.
    private func untilItSucceeds<Value>(_ failure: Logger.Message, _ step: () async throws -> Value) async -> Value? {
        while !Task.isCancelled {
            do {
                return try await step()
            } catch LogStoreError.damaged(let what) {
                // It stays so. The other logs are ended.
                logger.error(failure, metadata: ["error": "\(what) is damaged"])
                return nil
            } catch {
                logger.error(failure, metadata: ["error": "\(error)"])
            }
            // The store doesn't say when it can be read again, so it is asked once a second. Only a cancellation ends
            // the sleep early; the loop's condition sees it.
            try? await Task.sleep(for: .seconds(1))
        }
        return nil
    }
}
