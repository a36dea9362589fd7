import ArgumentParser
import Everyline
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
            it: no event is missing or out of place, and an execution has ended exactly when its log holds the end. Exits \
            with 1 if anything is wrong.
            """)

    @Option(help: "The server's data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try ServeSettings(
            environment: environment, file: UserFile.read(environment)?.serve ?? [:])
        let directory = try DataDirectory.path(data, settings, environment)
        let database: SQLiteDatabase
        do {
            database = try SQLiteDatabase.openForReading(directory)
        } catch let error as SQLiteDatabaseError {
            throw CLIError(error.description + ".")
        }
        let report = await IntegrityCheck(database).run()
        try database.close()
        var lines = ["data: \(directory)"] + Self.privacyFaults(directory)
        lines.append(Self.space(directory))
        lines.append("\(report.executions) executions, \(report.events) events, \(report.bytes) bytes of events")
        lines += report.faults.map { "fault: \($0)" }
        let isSound = report.faults.isEmpty
        lines.append(isSound ? "everything is in its place" : "\(report.faults.count) faults")
        try Console.print(lines)
        if !isSound { throw ExitCode(1) }
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
