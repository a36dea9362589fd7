import Everyline
import EverylineRunner
import EverylineServer
import Logging
import ServiceLifecycle

/// Says that the server serves, once all its listeners stand; takes up the runners that an earlier server left, and looks
/// after those of this one.
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
                group.addTask { await runners.run() }
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

    /// Ends the executions that no runner is left for; starts what an earlier server's crash left undone.
    private func takeUp() async {
        do {
            let taken = try runners.resume()
            for id in unfinished where !taken.contains(id) {
                logger.warning("A runner was lost", metadata: ["execution_id": "\(id)"])
                _ = try await core.writer.end(
                    id, ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost))
            }
        } catch {
            logger.error("Runners could not be taken up", metadata: ["error": "\(error)"])
        }
    }
}
