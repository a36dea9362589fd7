package import Everyline
import NIOCore

/// Executions, bodies and keys for tests, with as little said about them as possible.
package enum Sample {
    /// - Precondition: `text` is an id.
    package static func id(_ text: String) -> ExecutionID {
        guard let id = ExecutionID(text) else { preconditionFailure("\(text) is no id") }
        return id
    }

    /// - Precondition: `text` is a user.
    package static func user(_ text: String) -> UserID {
        guard let user = UserID(text) else { preconditionFailure("\(text) is no user") }
        return user
    }

    package static func execution(
        _ id: String, owner: String = "ann", producer: Execution.Producer = .external, at time: Int64 = 1000
    ) -> Execution {
        Execution(
            id: self.id(id), command: ["echo", "ü \"\n"], owner: user(owner), producer: producer,
            createdAt: Timestamp(milliseconds: time))
    }

    package static func hash(_ text: String) -> SecretHash { SecretHash(of: text) }

    package static func key(_ id: String, user: String = "ann", role: Role = .viewer, at time: Int64 = 1000) -> APIKey {
        APIKey(
            id: id, user: self.user(user), role: role, hash: hash("secret of \(id)"),
            createdAt: Timestamp(milliseconds: time))
    }

    /// A body of lines that follow `head`, with the end behind them if there is an outcome.
    package static func body(
        _ messages: [String], after head: UInt64, at time: Int64 = 2000, end: ExecutionOutcome? = nil
    ) -> AppendBody {
        body(messages.map { ($0, time) }, after: head, end: end)
    }

    package static func body(
        _ lines: [(message: String, time: Int64)], after head: UInt64, end: ExecutionOutcome? = nil
    ) -> AppendBody {
        var encoder = BlockEncoder(after: Offset(head))
        for line in lines {
            encoder.appendLine(LogLine(message: line.message), timestamp: Timestamp(milliseconds: line.time))
        }
        if let end { encoder.appendEnd(end, timestamp: Timestamp(milliseconds: lines.last?.time ?? 3000)) }
        return AppendBody(block: encoder.finish(), outcome: end, hasLines: !lines.isEmpty)
    }

    package static let success = ExecutionOutcome(status: .succeeded, exitCode: 0)
}

extension ContractCase.Stores {
    /// Adds an execution.
    func begin(_ id: String = "e") async throws -> ExecutionID {
        let execution = Sample.execution(id)
        _ = try await executions.create(execution, appendToken: Sample.hash("token of \(id)"), idempotency: nil)
        return execution.id
    }

    /// Appends one body.
    @discardableResult
    func append(
        _ body: AppendBody, to id: ExecutionID, after head: UInt64, at now: Int64 = 5000
    ) async throws -> Appended {
        let results = try await log.append(
            [LogAppend(body, to: id, after: Offset(head))], at: Timestamp(milliseconds: now))
        try expectEqual(results.count, 1)
        return try results[0].get()
    }

    @discardableResult
    func append(_ messages: [String], to id: ExecutionID, after head: UInt64) async throws -> Appended {
        try await append(Sample.body(messages, after: head), to: id, after: head)
    }

    /// The whole log, read in steps.
    func events(of id: ExecutionID, after offset: Offset = .zero, limit: ByteCount = 1000) async throws -> [LogEvent] {
        var events: [LogEvent] = []
        var cursor = offset
        while let block = try await log.read(id, after: cursor, limit: limit).block {
            try expect(block.first == cursor.next, "\(block.first) follows \(cursor)")
            try expect(block.bytes.readableBytes <= limit || block.count == 1, "the block is too long")
            let decoded = try LogEvent.decode(lines: block.bytes)
            try expectEqual(decoded.map(\.offset), (1...block.count).map { cursor.advanced(by: $0) })
            events += decoded
            cursor = block.last
        }
        return events
    }
}
