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
/// A runner that is gone without having finished gets a successor, which ends what is left of the command, delivers what is
/// in the spool, and the `end` event that says what happened.
package final class RunnerSupervisor: Sendable {
    private let directory: String
    private let program: String
    private let logger: Logger
    private let jobs = Mutex<[ExecutionID: Supervised]>([:])

    private struct Supervised {
        /// The runner, if it is a child of this process that hasn't been waited for.
        var child: Int32?
        var successors = 0
    }

    /// How many successors a runner gets. If they all die, something else is wrong, and its directory is kept.
    private static let successorLimit = 5

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
        try directory.create(job)
        do {
            let child = try spawn(directory)
            jobs.withLock { $0[execution] = Supervised(child: child) }
        } catch {
            directory.files.remove()
            throw error
        }
    }

    /// Finds the runners that an earlier supervisor left, and starts successors of those that are gone.
    ///
    /// - Returns: the executions that will end without anybody's help.
    /// - Throws: `Errno` if the directory can't be read.
    package func resume() throws -> Set<ExecutionID> {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        var found: Set<ExecutionID> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            guard let execution = ExecutionID(name) else { continue }
            let job = JobDirectory(execution, in: directory)
            guard !job.isGivenUp else {
                logger.warning("A runner's output was given up", metadata: ["directory": "\(job.path)"])
                continue
            }
            jobs.withLock { $0[execution] = $0[execution] ?? Supervised() }
            found.insert(execution)
            logger.info("A runner goes on", metadata: ["execution_id": "\(execution)"])
        }
        look()
        return found
    }

    /// Looks after the runners until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            look()
            // The runners of an earlier server are no children of this one, so no signal tells of their end: their locks are
            // looked at. A sleep that is cut short is a cancellation, which the loop sees.
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func look() {
        jobs.withLock { jobs in
            for (execution, job) in jobs { jobs[execution] = look(execution, job) }
        }
    }

    /// - Returns: `nil` if there is nothing left to look after.
    private func look(_ execution: ExecutionID, _ job: Supervised) -> Supervised? {
        var job = job
        if let child = job.child {
            guard DetachedProcess.reap(child) else { return job }
            job.child = nil
        }
        let directory = JobDirectory(execution, in: directory)
        guard directory.files.exists, !directory.isGivenUp else { return nil }
        if directory.files.isClaimed { return job }
        guard job.successors < Self.successorLimit else {
            logger.error("A runner dies again and again", metadata: ["directory": "\(directory.path)"])
            return nil
        }
        logger.warning("A runner was lost; another one ends its execution", metadata: ["execution_id": "\(execution)"])
        job.successors += 1
        do {
            job.child = try spawn(directory, "--recover")
        } catch {
            logger.error("A runner could not be started", metadata: ["error": "\(error)"])
        }
        return job
    }

    private func spawn(_ directory: JobDirectory, _ options: String...) throws -> Int32 {
        try DetachedProcess.start(program, ["everyline", "runner"] + options + [directory.path], log: directory.log)
    }
}
