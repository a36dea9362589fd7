import Everyline

extension AWSDoctor {
    /// How many of the executions that have not ended are looked at: one request's tasks.
    private static let executions = 100

    /// Whether every execution that has not ended has a task that runs. That a task has stopped is said once; if that is lost,
    /// its execution never ends by itself.
    func examineExecutions(_ table: String?, cluster: String?) async throws -> [DoctorFinding] {
        try await examine("cluster", named: cluster) { cluster, notes in
            guard let table else { return notes.unknown("no function's environment says which table it belongs to") }
            let tasks = try await tasksOfActiveExecutions(DynamoDBTable(table, client: client))
            guard !tasks.isEmpty else { return notes.check(true, "no task runs now", otherwise: "") }
            let known = try await ECSCluster(cluster, client: client).describe(tasks.map(\.arn))
            let running = Set(known.filter { $0.lastStatus != "STOPPED" }.map(\.taskArn))
            let lost = tasks.filter { !running.contains($0.arn) }.map(\.execution.rawValue)
            notes.check(
                lost.isEmpty, "\(tasks.count) executions run, each in a task",
                otherwise: "the tasks of these have stopped; if they don't end within minutes, an event was lost: "
                    + lost.joined(separator: ", "))
        }
    }

    private func tasksOfActiveExecutions(
        _ table: DynamoDBTable
    ) async throws -> [(execution: ExecutionID, arn: String)] {
        let active = try await DynamoDBExecutionStore(table, retention: nil, now: now).list(
            ExecutionQuery(statuses: [.starting, .running, .terminating], limit: Self.executions))
        var tasks: [(execution: ExecutionID, arn: String)] = []
        for execution in active {
            // An execution whose producer is elsewhere has none.
            guard let task = try await DynamoDBTaskStore(table).task(of: execution.id) else { continue }
            tasks.append((execution.id, task.arn))
        }
        return tasks
    }
}
