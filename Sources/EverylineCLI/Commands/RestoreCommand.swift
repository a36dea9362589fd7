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
            backup are good again: revoke them anew.
            """)

    @Option(help: "The data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?
    @Flag(help: "Restore also a backup in which the check finds faults.")
    var acceptFaults = false
    @Argument(help: "The file that `everyline backup` has written.")
    var file: String

    func run() async throws {
        let directory = try DataDirectory.path(data)
        let (note, report) = try await CLIError.translatingStore {
            let restore = try Restore(file, into: directory)
            let report = try await LongStep.run(elseDiscarding: restore.discard) { [progress = LongStep("copied")] in
                try await restore.copy { progress.show($0, of: $1) }
                progress.say("checking the copy")
                return try await restore.finish(acceptingFaults: acceptFaults)
            }
            return (restore.note, report)
        }
        try Console.print(
            ["restored: \(directory)", "taken at \(note.taken.shortText), by Everyline \(note.version)"]
                + report.sentences)
        if !report.faults.isEmpty { throw ExitCode(1) }
    }
}
