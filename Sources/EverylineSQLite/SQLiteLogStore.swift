package import Everyline
import GRDB
import NIOCore
import Synchronization

/// Logs as blocks of encoded lines: a block a row, found by its offset or its time through an index.
package struct SQLiteLogStore: LogStore {
    /// How large a stored block becomes: small enough to be read as a whole for one event of it.
    static let blockBytes: ByteCount = .kibibytes(128)

    private let database: SQLiteDatabase
    private let logLimit: ByteCount
    private let onEnd: @Sendable () -> Void

    /// - Parameters:
    ///   - logLimit: how many bytes a log may hold before only notices and the `end` are taken.
    ///   - onEnd: is called after a commit in which a log ended.
    package init(
        _ database: SQLiteDatabase, logLimit: ByteCount, onEnd: @escaping @Sendable () -> Void = {}
    ) {
        self.database = database
        self.logLimit = logLimit
        self.onEnd = onEnd
    }

    package func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        do {
            return try await commit(appends, at: now)
        } catch let error as LogStoreError {
            // A damaged page may be of one log alone: the others must not wait for it. The same order, a transaction
            // each.
            guard case .damaged = error, appends.count > 1 else { throw error }
        }
        var results: [Result<Appended, LogStoreError>] = []
        for append in appends {
            do {
                results += try await commit([append], at: now)
            } catch let error as LogStoreError {
                guard case .damaged = error else { throw error }
                results.append(.failure(error))
            }
        }
        return results
    }

    private func commit(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        let (limit, incarnation) = (logLimit, incarnation)
        let (results, hasEnded) = try await database.write { db in
            var batch = AppendTransaction(db, at: now, limit: limit, in: incarnation)
            let results = try appends.map { try batch.append($0) }
            try batch.finish()
            return (results, batch.hasEnded)
        }
        if hasEnded { onEnd() }
        return results
    }

    package var incarnation: Incarnation? { database.current.withLock { $0 } }

    package func restoration(of execution: ExecutionID, since known: Incarnation) async throws -> Restoration? {
        guard let incarnation, known != incarnation else { return nil }
        return try await database.read { db in
            try LogRow(execution, in: db).restoration(since: known, to: incarnation, in: db)
        }
    }

    package func head(of execution: ExecutionID) async throws -> LogHead {
        try await database.read { try LogRow(execution, in: $0).head }
    }

    nonisolated(nonsending) package func read(
        _ execution: ExecutionID, after offset: Offset, limit: ByteCount
    ) async throws -> LogRead {
        try await database.read { db in
            let log = try LogRow(execution, in: db)
            guard offset < log.head.offset else { return LogRead(block: nil, head: log.head) }
            return LogRead(block: try log.read(after: offset, limit: limit, in: db), head: log.head)
        }
    }

    package func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await database.read { db in
            let log = try LogRow(execution, in: db)
            guard log.head.offset > .zero, time <= log.head.latest else { return log.head.offset }
            return try log.offset(before: time, in: db)
        }
    }
}
