import Everyline
import ServiceLifecycle

/// Runs the log's writer until everything that could append has stopped.
struct WriterService: Service {
    let writer: LogWriter

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.writer.run() }
    }
}

/// Gives each request that waits for news a regular sign that time passes: heartbeats and long polls hang on it.
struct TickService: Service {
    let feeds: [LogFeed]
    let interval: Duration

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // Time itself is what is told here: there is nothing else to wait for. Only a cancellation ends the sleep
            // early, and with it the loop.
            while (try? await Task.sleep(for: self.interval)) != nil {
                for feed in self.feeds { feed.tick() }
            }
        }
    }
}

/// Runs a service from the moment that something is said; never, if the server stops before.
struct LaterService: Service {
    let service: any Service
    let start: AsyncStream<Void>

    func run() async throws {
        for await _ in start.cancelOnGracefulShutdown() { return try await service.run() }
    }
}

/// Does something again and again, for as long as the server runs. What it throws is given to `onError`, and the next
/// turn comes all the same.
struct PeriodicService: Service {
    private let interval: Duration
    private let onError: @Sendable (any Error) -> Void
    private let turn: @Sendable () async throws -> Void

    init(
        every interval: Duration, onError: @escaping @Sendable (any Error) -> Void,
        _ turn: @escaping @Sendable () async throws -> Void
    ) {
        self.interval = interval
        self.onError = onError
        self.turn = turn
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            repeat {
                do { try await self.turn() } catch { self.onError(error) }
                // What is old enough to be cleaned up becomes so by time alone. Only a cancellation ends the sleep
                // early, and with it the loop.
            } while (try? await Task.sleep(for: self.interval)) != nil
        }
    }
}
