package import Everyline
import Glibc
package import Logging
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Starts a runner for each command and looks after them. Runners outlive it: the next supervisor of the same directory
/// takes them up.
///
/// A runner that is gone without having finished gets a successor, which ends what is left of the command, delivers
/// what is in the spool, and the `end` event that says what happened. Where no successor succeeds, the supervisor gives
/// the execution up: what is left of its command is killed, its directory stays for a human, and the server ends its
/// log. So every log ends.
package final class RunnerSupervisor: Sendable {
    private let directory: String
    private let program: String
    private let logger: Logger
    private let jobs = Mutex<[ExecutionID: Supervised]>([:])

    private struct Supervised {
        /// The runner, if it is a child of this process that hasn't been waited for.
        var child: Int32?
        /// How many successors were tried without one that finished.
        var failures = 0
        /// No successor is started before.
        var next: ContinuousClock.Instant = .now
        /// Why its runner could not be started.
        var startFailure: String?
    }

    /// How long successors are tried, the pause doubling from one second each time: about four minutes in all.
    private static let attempts = 8

    /// - Parameters:
    ///   - directory: holds a ``JobDirectory`` for each runner.
    ///   - program: the binary that is a runner when it is called as `everyline runner DIRECTORY`.
    package init(directory: String, program: String, logger: Logger) {
        self.directory = directory
        self.program = program
        self.logger = logger
    }

    /// Starts a runner for the job. When this returns it goes on whatever happens to this process.
    ///
    /// - Throws: `Errno` if not; nothing is left of it then.
    package func start(_ job: RunnerJob) throws {
        guard let execution = ExecutionID(job.execution) else { preconditionFailure("a job is for an execution") }
        let directory = JobDirectory(execution, in: directory)
        do {
            try directory.create(job)
            let child = try spawn(directory)
            jobs.withLock { $0[execution] = Supervised(child: child) }
        } catch {
            directory.files.remove()
            // The caller ends the log. Where it can't (the disk is full), ``run(giveUp:)`` does it later.
            jobs.withLock { $0[execution] = Supervised(startFailure: "\(error)") }
            throw error
        }
    }

    /// Finds the runners that an earlier supervisor left.
    ///
    /// - Throws: `CocoaError` if the directory can't be read.
    package func resume() throws {
        guard FileManager.default.fileExists(atPath: directory) else { return }
        // A link is none of ours: it may lead anywhere.
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: directory + "/" + name)
            return attributes?[.type] as? FileAttributeType == .typeDirectory
        }
        let found = Set(names.compactMap(ExecutionID.init))
        jobs.withLock { jobs in
            for execution in found {
                jobs[execution] = jobs[execution] ?? Supervised()
                logger.info("A runner goes on", metadata: ["execution_id": "\(execution)"])
            }
        }
    }

    /// Whether a runner, a successor or ``run(giveUp:)`` will end the execution's log.
    package func supervises(_ execution: ExecutionID) -> Bool { jobs.withLock { $0[execution] != nil } }

    /// Looks after the runners until the task is cancelled.
    ///
    /// - Parameter giveUp: ends the log of an execution that no runner will end, for the reason given. It is called
    ///   until it succeeds.
    package func run(giveUp: @Sendable (ExecutionID, _ reason: String) async throws -> Void) async {
        while !Task.isCancelled {
            for (execution, reason) in inspectAll() {
                do {
                    try await giveUp(execution, reason)
                    jobs.withLock { $0[execution] = nil }
                } catch {
                    logger.error(
                        "A log could not be ended", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
                }
            }
            // The runners of an earlier server are no children of this one, so no signal tells of their end: their
            // locks are inspected. A sleep that is cut short is a cancellation, which the loop sees.
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// - Returns: the executions to give up, and why.
    private func inspectAll() -> [(ExecutionID, String)] {
        jobs.withLock { jobs in
            var givenUp: [(ExecutionID, String)] = []
            for (execution, job) in jobs {
                let directory = JobDirectory(execution, in: directory)
                switch inspect(directory, job) {
                case .supervised(let job): jobs[execution] = job
                case .finished: jobs[execution] = nil
                case .givenUp(let reason):
                    Leftovers(directory).kill()
                    givenUp.append((execution, reason))
                }
            }
            return givenUp
        }
    }

    private enum Finding {
        case supervised(Supervised)
        case finished
        case givenUp(String)
    }

    private func inspect(_ directory: JobDirectory, _ job: Supervised) -> Finding {
        var job = job
        if let reason = job.startFailure { return .givenUp("it was not started: \(reason)") }
        if let child = job.child {
            guard let status = DetachedProcess.reap(child) else { return .supervised(job) }
            job.child = nil
            if status == 0, !directory.files.exists { return .finished }
        }
        if let reason = directory.givenUp { return .givenUp(reason) }
        guard directory.files.exists else {
            // A runner that finished has removed it. One whose directory is only out of reach still runs: give it time
            // to come back.
            job.failures += 1
            return job.failures < 60 ? .supervised(job) : .givenUp("its directory \(directory.path) is gone")
        }
        if directory.isAtWork { return .supervised(job) }
        guard ContinuousClock.now >= job.next else { return .supervised(job) }
        guard job.failures < Self.attempts else {
            return .givenUp("no runner could be started, or each one failed; \(directory.log) may say why")
        }
        logger.warning(
            "A runner was lost; another one ends its execution", metadata: ["execution_id": "\(directory.execution)"])
        job.failures += 1
        job.next = .now + .seconds(1 << (job.failures - 1))
        do {
            job.child = try spawn(directory, "--recover")
        } catch {
            logger.error("A runner could not be started", metadata: ["error": "\(error)"])
        }
        return .supervised(job)
    }

    private func spawn(_ directory: JobDirectory, _ options: String...) throws -> Int32 {
        try DetachedProcess.start(program, ["everyline", "runner"] + options + [directory.path], log: directory.log)
    }
}
