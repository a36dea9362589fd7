import Everyline

extension AWSDoctor {
    /// How many executions are looked at together: one request's tasks.
    private static let page = 100

    /// Whether every execution that has not ended has a task that runs. That a task has stopped is said once; if that
    /// is lost, its execution ends when a client asks for it, or when this repairs it.
    func examineExecutions(_ table: String?, cluster: String?, queue: String?) async throws -> [DoctorFinding] {
        try await examine("cluster", named: cluster) { cluster, notes in
            guard let table else { return notes.unknown("no function's environment says which table it belongs to") }
            let (running, lost) = try await examineTasks(DynamoDBTable(table, client: client), cluster)
            if lost.isEmpty {
                let what = running == 0 ? "no task runs now" : "\(running) executions run, each in a task"
                return notes.check(true, what, otherwise: "")
            }
            let names = lost.map(\.rawValue).joined(separator: ", ")
            guard repairs, let queue else {
                let what = "the tasks of these have stopped; if they don't end within minutes, an event was lost"
                return notes.check(false, "", otherwise: "\(what) (--repair): \(names)")
            }
            let reconcile = SQSReconcileQueue(SQSQueue(queue, client: client))
            for execution in lost {
                try await reconcile.send(ReconcileMessage(.probe, of: execution), after: .zero)
            }
            notes.check(false, "", otherwise: "the tasks of these have stopped; they are being ended now: " + names)
        }
    }

    /// How many of the executions that have not ended have a task that runs, and those whose task doesn't.
    private func examineTasks(
        _ table: DynamoDBTable, _ cluster: String
    ) async throws -> (running: Int, lost: [ExecutionID]) {
        let store = DynamoDBExecutionStore(table, retention: nil, now: now)
        let tasks = DynamoDBTaskStore(table)
        var query = ExecutionQuery(statuses: [.starting, .running, .terminating], limit: Self.page)
        var result: (running: Int, lost: [ExecutionID]) = (0, [])
        while case let active = try await store.list(query), let last = active.last {
            var found: [(execution: ExecutionID, arn: String)] = []
            for execution in active {
                // An execution whose producer is elsewhere has none.
                guard let task = try await tasks.task(of: execution.id) else { continue }
                found.append((execution.id, task.arn))
            }
            if !found.isEmpty {
                let known = try await ECSCluster(cluster, client: client).describe(found.map(\.arn))
                let running = Set(known.filter { $0.lastStatus != "STOPPED" }.map(\.taskArn))
                let lost = found.filter { !running.contains($0.arn) }.map(\.execution)
                result.running += found.count - lost.count
                result.lost += lost
            }
            guard active.count == Self.page else { break }
            query.after = last.id
        }
        return result
    }
}
