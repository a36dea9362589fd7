import Everyline
import EverylineRunner
import EverylineSQLite
import EverylineServer
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// The embedded form: where the adapters meet.
///
///     SQLite ◄─ LogWriter ◄─ HTTP, WebSocket (public port)   ◄─ viewers, producers elsewhere
///                         ◄─ HTTP (socket in the directory)  ◄─ runners of this machine
struct EmbeddedServer {
    let directory: String
    /// Where runners keep what the server hasn't acknowledged.
    let runnerDirectory: String
    let configuration: ServerConfiguration
    /// Whether `run` is refused. Commands that an earlier server started here go on.
    let isRecordOnly: Bool
    let logLimit: ByteCount
    let retention: Retention.Limits
    let logger: Logger

    /// Where this machine's runners reach the server: a socket that only its owner may connect to.
    var runnerSocket: String { directory + "/" + JobDirectory.socketName }

    /// Serves until a SIGTERM or SIGINT, then lets go of viewers and producers in order.
    ///
    /// - Parameters:
    ///   - adminKey: is made ready before anything listens.
    ///   - onListening: is called once clients can connect, with the server's address, and the administrator's key if
    ///     it is one that the server accepts.
    /// - Throws: ``SQLiteDatabaseError``, ``CLIError``, or what ended a service.
    func run(
        adminKey: AdminKey, onListening: @escaping @Sendable (_ url: String, _ key: String?) throws -> Void
    ) async throws {
        guard runnerSocket.utf8.count + PrivateSocket.overhead < Self.socketPathLimit else {
            throw CLIError("the data directory's path is too long: \(runnerSocket) can't be a socket.")
        }
        let database = try SQLiteDatabase.open(directory)
        defer { close(database) }
        let runnersLock = try prepareRunners()
        defer { runnersLock?.release() }
        let access = SQLiteAccessStore(database)
        let key = try await adminKey.prepare(access, at: .now)
        // A server that was killed has left its socket; the lock on the directory says that no server uses it.
        unlink(runnerSocket)
        let (ended, hasEnded) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let log = SQLiteLogStore(database, logLimit: logLimit) { hasEnded.yield() }
        hasEnded.yield()
        let runners = RunnerSupervisor(
            directory: runnerDirectory, program: Self.thisProgram, logger: logger)
        let core = core(database, log, access, runners, try await restored(database))
        let (listening, hasListened) = AsyncStream.makeStream(of: EverylineServer.Listening.self)
        var services = try EverylineServer(
            core: core, configuration: configuration, storage: storage(database), logger: logger
        ).services(
            runnerSocket: runnerSocket,
            housekeeping: { try await Retention(database, retention).enforce(at: core.now()) },
            onListening: { hasListened.yield($0) })
        services.append(MergingService(merging: BlockMerging(database), ended: ended, logger: logger))
        let unfinished = try await Self.unfinished(core.executions)
        services.append(
            RunnersService(
                core: core, runners: runners, listening: listening, unfinished: unfinished, logger: logger
            ) { try onListening($0, key) })
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: group).run()
    }

    /// Shows the runners the way to this server. A directory of theirs that lies elsewhere is taken for this server
    /// alone.
    private func prepareRunners() throws -> DirectoryLock? {
        let isInside = runnerDirectory == directory + "/runners"
        let lock = isInside ? nil : try DirectoryLock(runnerDirectory)
        do {
            try JobDirectory.showServer(isInside ? nil : runnerSocket, in: runnerDirectory)
        } catch {
            throw SQLiteDatabaseError.unusable(runnerDirectory, reason: "\(error)")
        }
        return lock
    }

    /// The executions that a runner of this machine has in hand, or had when the server ended.
    private static func unfinished(_ executions: any ExecutionStore) async throws -> [ExecutionID] {
        var unfinished: [ExecutionID] = []
        while true {
            let page = try await executions.list(
                ExecutionQuery(
                    statuses: [.starting, .running, .terminating], producer: .runner, limit: 1000,
                    bytes: .mebibytes(1), after: unfinished.last))
            if page.isEmpty { return unfinished }
            unfinished += page.map(\.id)
        }
    }

    /// - Returns: `nil` also where what is stored of it is damaged: its logs end when nothing has been heard of their
    ///   producers for long.
    private func restored(_ database: SQLiteDatabase) async throws -> RestoredLogs? {
        do {
            return try await database.untouchedSinceRestore()
        } catch LogStoreError.damaged(let what) {
            logger.error("What was restored can't be told", metadata: ["error": "\(what) is damaged"])
            return nil
        }
    }

    private func core(
        _ database: SQLiteDatabase, _ log: SQLiteLogStore, _ access: SQLiteAccessStore, _ runners: RunnerSupervisor,
        _ restored: RestoredLogs?
    ) -> ServerCore {
        let feed = LogFeed()
        let now: @Sendable () -> Timestamp = { Timestamp.now }
        return ServerCore(
            executions: SQLiteExecutionStore(database), log: log, access: access,
            writer: LogWriter(store: log, feed: feed, executor: database.thread, now: now), feed: feed,
            stopRequests: LogFeed(),
            engine: RunnerEngine(
                runners: runners, lineLimit: configuration.limits.line, incarnation: log.incarnation,
                isRecordOnly: isRecordOnly),
            resources: ServerResources(configuration.limits), restored: restored, now: now)
    }

    private func storage(_ database: SQLiteDatabase) -> StorageWatch {
        StorageWatch(
            places: .init(directory: directory, spool: runnerDirectory), retentionAge: retention.age,
            retentionSize: retention.size
        ) {
            try await ExecutionCounts(database).read().map {
                .init(status: $0.status, reason: $0.reason, count: $0.count)
            }
        }
    }

    private func close(_ database: SQLiteDatabase) {
        do {
            try database.close()
        } catch {
            logger.error("The database could not be closed", metadata: ["error": "\(error)"])
        }
    }

    /// The binary that runs now, also when its file has been replaced by a newer one.
    private static let thisProgram = "/proc/self/exe"
    /// `sun_path` of unix(7) has 108 bytes, with the NUL; NIO takes up to 103 of them.
    private static let socketPathLimit = 104
}

/// Merges the blocks of each log that ends.
private struct MergingService: Service {
    let merging: BlockMerging
    let ended: AsyncStream<Void>
    let logger: Logger

    func run() async throws {
        for await _ in ended.cancelOnGracefulShutdown() {
            do {
                try await merging.run()
            } catch {
                // It is written down what is left to do: the next log's end brings the next try.
                logger.warning("Blocks could not be merged", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension Timestamp {
    /// The wall clock, in whole milliseconds.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
