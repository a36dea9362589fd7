import ArgumentParser
import Everyline
import EverylineSQLite
import Glibc

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy everything that is stored into one file.",
        discussion: """
            Copies the database as it is at one moment, also while a server works with it, checks the copy as `doctor` does, \
            and says so once it is on the disk. The file is for its owner alone (0600): it holds the output of all users. \
            The administrator's key itself isn't in it. Exits with 1 if the check finds faults; the file is kept then.
            """)

    @Option(help: "The server's data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?
    @Flag(help: "Replace the file if it is a backup.")
    var overwrite = false
    @Argument(help: "The file; or a directory that is there, in which the file is named after the time.")
    var target: String

    func run() async throws {
        let directory = try DataDirectory.path(data)
        let now = Timestamp.now
        let path = Self.file(for: target, at: now)
        let report = try await CLIError.translatingStore {
            let database = try SQLiteDatabase.openForReading(directory)
            let backup = try Backup(at: path, of: directory, overwriting: overwrite)
            return try await LongStep.copy(elseDiscarding: backup.discard) {
                try await backup.write(database, at: now, progress: $0)
                try database.close()
            } thenChecking: {
                let report = try await backup.check()
                try backup.publish()
                return report
            }
        }
        try report.conclude(["backup: \(path)"])
    }

    /// Names the file of a backup that goes into a directory.
    static func file(for target: String, at now: Timestamp) -> String {
        var status = stat()
        guard stat(target, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return target }
        var time = tm()
        var seconds = time_t(now.milliseconds / 1000)
        gmtime_r(&seconds, &time)
        let parts: [Int32] = [time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec]
        let digits = parts.map { ($0 < 10 ? "0" : "") + String($0) }
        let day = "\(time.tm_year + 1900)\(digits[0])\(digits[1])"
        return target + (target.hasSuffix("/") ? "" : "/") + "everyline-\(day)T" + digits[2...].joined() + "Z.backup"
    }
}
