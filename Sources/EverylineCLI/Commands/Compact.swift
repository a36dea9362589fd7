import ArgumentParser
import Everyline
import EverylineSQLite
import Glibc

struct Compact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give the database's free space back to the disk.",
        discussion: """
            Rewrites the whole database, while no server works with it. Retention gives space back by itself, without this, \
            except in a database that an older Everyline made: once it has been compacted, retention does so there too. Needs room \
            for the data twice, on its disk.
            """)

    @Option(help: "The server's data directory. (default: $XDG_DATA_HOME/everyline)")
    var data: String?

    func run() async throws {
        let directory = try DataDirectory.path(data)
        // SQLite writes what it rewrites there; elsewhere other users' disk might be full, or the data leave its own.
        setenv("SQLITE_TMPDIR", directory, 1)
        let (before, after) = try await CLIError.translatingStore {
            let database = try SQLiteDatabase.openExisting(directory)
            let before = try await database.space()
            Console.say("compacting \(before.files >> 20) MiB")
            try await database.compact()
            let after = try await database.space()
            try database.close()
            return (before, after)
        }
        try Console.print(
            "data: \(directory)", "\(before.pages >> 20) MiB before, \(after.pages >> 20) MiB now")
    }
}
