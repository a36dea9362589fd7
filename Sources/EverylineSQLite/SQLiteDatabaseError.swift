import GRDB

/// Why a directory's data can't be used.
package enum SQLiteDatabaseError: Error, Equatable, CustomStringConvertible {
    /// Another process has it.
    case inUse(String)
    /// A newer Everyline has written it. It was left as it is.
    case newerVersion(String)
    case missing(String)
    case unusable(String, reason: String)
    /// The database doesn't sync as it must.
    case notDurable(String)

    package var description: String {
        switch self {
        case .inUse(let directory): "another server works with the data in \(directory)"
        case .newerVersion(let directory):
            "the data in \(directory) is of a newer version of Everyline; nothing was changed"
        case .missing(let path): "there is no database \(path)"
        case .unusable(let directory, let reason): "the data in \(directory) can't be used: \(reason)"
        case .notDurable(let what): "the database would not keep what it acknowledges (\(what))"
        }
    }

    static func translating<Value>(_ directory: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw SQLiteDatabaseError.unusable(directory, reason: "\(error)")
        }
    }
}
