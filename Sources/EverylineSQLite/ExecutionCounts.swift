import Everyline
import GRDB

/// How many executions there are of each status and reason. It reads each execution's row.
package struct ExecutionCounts: Sendable {
    package struct Group: Sendable {
        package let status: String
        package let reason: String
        package let count: Int
    }

    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    /// - Returns: a group for each pair that there is; a value that is none of ours, from a damaged row, is `damaged`.
    /// - Throws: ``LogStoreError``.
    package func read() async throws -> [Group] {
        try await database.read { db in
            try Row.fetchAll(db, sql: "SELECT status, reason, count(*) FROM execution GROUP BY status, reason").map {
                row in
                let status = String.fromDatabaseValue(row[0])
                let reason: DatabaseValue = row[1]
                return Group(
                    status: status.flatMap(ExecutionStatus.init)?.rawValue ?? "damaged",
                    reason: reason.isNull
                        ? ""
                        : String.fromDatabaseValue(reason).flatMap(ExecutionOutcome.Reason.init)?.rawValue ?? "damaged",
                    count: Int.fromDatabaseValue(row[2]) ?? 0)
            }
        }
    }
}
