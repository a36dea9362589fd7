package import Everyline

extension DynamoDBExecutionStore {
    /// Goes through the list until it has found as many as are wanted; through that of those which have not ended,
    /// where nothing else is asked for. A record that is damaged is passed over: the others are listed.
    package func list(_ query: ExecutionQuery) async throws -> [Execution] {
        try await unavailable {
            let isActive = !query.statuses.isEmpty && query.statuses.allSatisfy { !$0.isTerminal }
            let partition = isActive ? RecordKey.active : RecordKey.executions
            var rows = DynamoDBTable.Query(partition)
            if let after = query.after {
                rows = DynamoDBTable.Query(
                    partition, DynamoDBExpression("sk < :after", [":after": .string(try await listSort(of: after))]))
            }
            rows.isAscending = false
            rows.limit = max(25, min(query.limit, 100))
            var list = ExecutionQuery.Page(query)
            var start: Attributes?
            repeat {
                let page = try await table.query(rows, from: start)
                for case .success(let item) in try await records(page.items) where query.matches(item.execution) {
                    if list.add(item.execution) { break }
                }
                start = page.next
            } while start != nil && !list.isFull
            return list.executions
        }
    }

    /// The commands that still run and whose script didn't number its lines yet.
    package func runningOfOlderScript() async throws -> [ExecutionID] {
        try await active().compactMap { record in
            guard case .success(let item) = record, item.format < LogFormat.numbered,
                item.execution.producer == .runner, !item.execution.status.isTerminal
            else { return nil }
            return item.execution.id
        }
    }

    /// Those of the executions that have not ended which no list has: their records are damaged.
    func damaged() async throws -> [ExecutionID] {
        try await active().compactMap { if case .failure(let damage) = $0 { damage.execution } else { nil } }
    }

    private func active() async throws -> [Record] {
        try await unavailable {
            var found: [Record] = []
            var start: Attributes?
            repeat {
                let page = try await table.query(DynamoDBTable.Query(RecordKey.active), from: start)
                found += try await records(page.items)
                start = page.next
            } while start != nil
            return found
        }
    }

    private func listSort(of id: ExecutionID) async throws -> String {
        do {
            return RecordKey.listSort(id, createdAt: try await execution(id).createdAt)
        } catch ExecutionStoreError.unknownExecution {
            throw ExecutionStoreError.unknownCursor
        }
    }

    private typealias Record = Result<ExecutionItem, DamagedRecord>

    private struct DamagedRecord: Error {
        let execution: ExecutionID
    }

    /// The executions of these rows, in their order, without those that have expired.
    private func records(_ rows: [Attributes]) async throws -> [Record] {
        var ids: [ExecutionID] = []
        for row in rows {
            guard let id = ExecutionID(try row.string("execution_id")) else {
                throw DamagedItem(attribute: "execution_id")
            }
            ids.append(id)
        }
        var records: [String: Record] = [:]
        for item in try await table.get(ids.map(RecordKey.meta)) {
            let partition = try item.string("pk")
            guard let id = ExecutionID(partition.dropFirst(2)) else { throw DamagedItem(attribute: "pk") }
            do throws(DamagedItem) {
                let record = try ExecutionItem(item, id: id)
                if isKept(record) { records[partition] = .success(record) }
            } catch {
                records[partition] = .failure(DamagedRecord(execution: id))
            }
        }
        return ids.compactMap { records[RecordKey.partition($0)] }
    }
}

extension ExecutionQuery {
    fileprivate func matches(_ execution: Execution) -> Bool {
        (statuses.isEmpty || statuses.contains(execution.status))
            && (producer ?? execution.producer) == execution.producer
    }
}
