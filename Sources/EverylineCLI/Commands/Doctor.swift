import ArgumentParser
import Everyline
import EverylineRunner
import EverylineSQLite
import EverylineUserFiles
import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check everything that is stored.",
        discussion: """
            Reads the whole database, also while a server works with it, and holds every log against what must be true of \
            it: no event is missing or out of place, and an execution has ended exactly when its log holds the end. Runners' \
            directories beside it show whether the database is older than they are. Exits with 1 if anything is wrong.
            """)

    @Option(help: "The server's data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?

    @Option(help: "Where runners keep what the server hasn't acknowledged. (default: runners/ in the data directory)")
    var spool: String?

    func run() async throws {
        let directory = try DataDirectory.path(data)
        let database = try await CLIError.translatingStore { try SQLiteDatabase.openForReading(directory) }
        // Before the database is read: what is acknowledged now is in it then.
        let place = try DataDirectory.runners(spool, of: directory)
        let runners = JobDirectory.acknowledged(in: place)
        var report = await IntegrityCheck(database).run()
        report.faults += await Self.missing(runners, in: SQLiteLogStore(database, logLimit: 0))
        var lines = ["data: \(directory)"] + Self.privacyFaults(directory)
        lines.append(Self.space(directory))
        // A database that can't be read has faults, which the report names.
        if let space = try? await database.space() { lines += Self.sentences(space) }
        if let restores = try? await database.restores() { lines.append(Self.sentence(restores)) }
        lines += KeptOutput.ofRunners(in: place).map { "kept: \($0.sentence)" }
        try database.close()
        try report.conclude(lines)
    }

    private static func sentence(_ restores: SQLiteDatabase.Restores) -> String {
        let times = restores.count == 1 ? "once, at" : "\(restores.count) times, the last time at"
        return "the data were restored or copied \(times) \(restores.last.shortText)"
    }

    private static func sentences(_ space: SQLiteDatabase.Space) -> [String] {
        ["\(space.files >> 20) MiB in the database's files, \(space.free >> 20) MiB of it free for new logs"]
            + (space.isGivenBack || space.free < Retention.keptFree
                ? [] : ["retention can't give that back to the disk; everyline compact does, while no server works"])
    }

    /// What the runners know to have been stored, and the database doesn't hold: a copy of the database file alone,
    /// without its write-ahead log, looks like that, and so does an older backup.
    private static func missing(_ acknowledged: [ExecutionID: Offset], in log: SQLiteLogStore) async -> [String] {
        var faults: [String] = []
        for (execution, offset) in acknowledged.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            do {
                let head = try await log.head(of: execution).offset
                guard head < offset else { continue }
                faults.append(
                    "\(execution): its runner knows \(offset) events to be stored, and the log holds \(head): the database is older than "
                        + "its runners (an older backup, or a copy without \(SQLiteDatabase.fileName)-wal)")
            } catch LogStoreError.unknownExecution {
                faults.append(
                    "\(execution): a runner works for it, and the database doesn't know it: the database is older than its runners"
                )
            } catch {
                // The check has found the damage.
            }
        }
        return faults
    }

    private static func privacyFaults(_ directory: String) -> [String] {
        [directory, directory + "/admin.key"].compactMap { path in
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return nil }
            return "warning: \(path) can be read by others: chmod go= \(path)"
        }
    }

    private static func space(_ directory: String) -> String {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return "warning: the free space is not known" }
        return "\((status.f_bavail * status.f_frsize) >> 20) MiB free on its disk"
    }
}

extension IntegrityCheck.Report {
    /// Prints what was found, and ends the command with 1 if anything is wrong.
    ///
    /// - Parameter lines: what stands before it.
    /// - Throws: `ExitCode`; `Errno` if it can't be printed.
    func conclude(_ lines: [String]) throws {
        try Console.print(lines + sentences)
        if !faults.isEmpty { throw ExitCode(1) }
    }

    private var sentences: [String] {
        ["\(executions) executions, \(events) events, \(bytes) bytes of events"] + faults.map { "fault: \($0)" }
            + [faults.isEmpty ? "everything is in its place" : "\(faults.count) faults"]
    }
}
