import ArgumentParser
import Everyline
import EverylineSQLite

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup into a data directory.",
        discussion: """
            The directory must hold no database, and no server may work with it. The backup is checked before it gets its \
            place, so the directory has all of it or nothing. Start the server afterwards. Keys that were revoked since the \
            backup are good again: revoke them anew. Where the whole disk was put back, from a snapshot, nothing is copied: \
            run it with --in-place instead of a file, before the server is started.
            """)

    @Option(help: "The data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?
    @Flag(help: "Restore also a backup in which the check finds faults.")
    var acceptFaults = false
    @Flag(help: "Take the database that is in the directory for restored: a snapshot of its disk was put back.")
    var inPlace = false
    @Argument(help: "The file that `everyline backup` has written.")
    var file: String?

    func validate() throws {
        guard inPlace == (file == nil) else { throw ValidationError("Say a backup's file, or --in-place.") }
    }

    func run() async throws {
        let directory = try DataDirectory.path(data)
        guard let file else { return try await takeForRestored(directory) }
        let (note, report) = try await CLIError.translatingStore {
            let restore = try Restore(file, into: directory)
            let report = try await LongStep.copy(elseDiscarding: restore.discard) {
                try await restore.copy(progress: $0)
            } thenChecking: {
                try await restore.finish(acceptingFaults: acceptFaults)
            }
            return (restore.note, report)
        }
        try report.conclude([
            "restored: \(directory)", "taken at \(note.taken.shortText), by Everyline \(note.version)",
        ])
    }

    private func takeForRestored(_ directory: String) async throws {
        let report = try await CLIError.translatingStore {
            let database = try SQLiteDatabase.openExisting(directory, isPutBack: true)
            let report = await IntegrityCheck(database).run()
            try database.close()
            return report
        }
        try report.conclude(["restored in its place: \(directory)"])
    }
}
