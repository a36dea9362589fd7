import ArgumentParser
import Everyline
import EverylineAWS

/// `everyline-aws restored`: says that a table was put back, so that clients that know more than it holds are told.
struct Restored: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say that a table was put back from a backup, before functions work with it.",
        discussion: """
            It begins a new incarnation of the data: it notes where each open log stands, says so in the logs of tasks, and ends the \
            viewers' connections that the table knows. A client that knows events beyond that is told which of them are void. Once for \
            each time that a table is put back. \(AccountOptions.credentials)

            Exit codes: 0 if it is noted, 1 if not: then do it again.
            """)

    @OptionGroup
    var account: AccountOptions

    @Option(help: "The table that was put back.")
    var table: String

    func run() async throws {
        try await Terminal.run(account) { client in
            do {
                let (incarnation, count) = try await RestoredTable(DynamoDBTable(table, client: client), now: { .now })
                    .begin()
                Terminal.say("incarnation \(incarnation) begins; open logs: \(count)")
            } catch let error as LogStoreError {
                throw Terminal.failure("\(error)")
            }
        }
    }
}
