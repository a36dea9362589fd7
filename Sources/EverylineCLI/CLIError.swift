import EverylineSQLite

/// What went wrong, in a sentence for the person who typed the command.
struct CLIError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Turns what keeps a command from a data directory or a backup into a sentence.
    static func translatingStore<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as SQLiteDatabaseError {
            throw CLIError(error.description + ".")
        } catch let error as BackupError {
            throw CLIError(error.description + ".")
        }
    }
}
