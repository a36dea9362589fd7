import Everyline
import GRDB

/// Why a directory's data can't be used.
package enum SQLiteDatabaseError: Error, Equatable, CustomStringConvertible {
    /// Another process has it.
    case inUse(String)
    /// A newer Everyline has written it. It was left as it is.
    case newerVersion(String)
    /// An older Everyline has written it, and this one may only read it.
    case olderVersion(String)
    case missing(String)
    /// A file in which nothing is stored, not even the tables.
    case empty(String)
    case unusable(String, reason: String)
    /// The database doesn't sync as it must.
    case notDurable(String)

    package var description: String {
        switch self {
        case .inUse(let directory): "another server works with the data in \(directory)"
        case .newerVersion(let directory):
            "the data in \(directory) is of a newer version of Everyline; nothing was changed"
        case .olderVersion(let directory):
            "the data in \(directory) is of an older version of Everyline: use that one, or start the server of this one, which updates it"
        case .missing(let path): "there is no database \(path)"
        case .empty(let path):
            "the database \(path) is empty: it was copied without \(path)-wal, or no server has finished its first start"
        case .unusable(let directory, let reason): "the data in \(directory) can't be used: \(reason)"
        case .notDurable(let what): "the database would not keep what it acknowledges (\(what))"
        }
    }

    static func translating<Value>(_ directory: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError
            where [.SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM].contains(error.resultCode)
        {
            throw SQLiteDatabaseError.unusable(
                directory,
                reason: "its database may not be written by this user, or lies on a file system that is read-only")
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_IOERR && isFull(directory)
        {
            throw SQLiteDatabaseError.unusable(directory, reason: "its disk is full")
        } catch let error as DatabaseError {
            throw SQLiteDatabaseError.unusable(directory, reason: "\(error)")
        }
    }

    /// Whether there is no room for the file that SQLite makes beside a database to open it.
    private static func isFull(_ directory: String) -> Bool {
        DiskSpace.free(in: directory).map { $0 < .kibibytes(64) } ?? false
    }
}
