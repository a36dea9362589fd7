package import Everyline

/// The logs of one deployment, found by what its functions are told.
package struct DeployedLogs: Sendable {
    private let stack: String
    private let client: AWSClient
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: the wall clock, by which records expire.
    package init(stack: String, client: AWSClient, now: @escaping @Sendable () -> Timestamp) {
        self.stack = stack
        self.client = client
        self.now = now
    }

    /// Holds an ended log against CloudWatch.
    ///
    /// - Throws: ``VerificationError``, ``DeploymentError/noStack(_:)``, and what AWS says.
    package func verify(
        _ execution: ExecutionID, keepingDigestsIn directory: String
    ) async throws -> LogVerification {
        let table = DynamoDBTable(try await tableName(), client: client)
        let known: Execution
        do {
            known = try await DynamoDBExecutionStore(table, retention: nil, now: now).execution(execution)
        } catch ExecutionStoreError.unknownExecution {
            throw VerificationError.unknownExecution
        }
        guard let task = try await DynamoDBTaskStore(table).task(of: execution) else {
            throw known.producer == .runner ? VerificationError.hasNoTask : .isProducedElsewhere
        }
        let log = DynamoDBLogStore(table, logLimit: LedgerLimits().log, now: now)
        let source = CloudWatchLogSource(CloudWatchLogs(client), group: task.stream.group, stream: task.stream.name)
        return try await LogVerifier(ledger: log, source: source).verify(execution, keepingDigestsIn: directory)
    }

    /// The commands that still run and whose script writes an older format than this Everyline's.
    func runningOfOlderScript() async throws -> [ExecutionID] {
        let table = DynamoDBTable(try await tableName(), client: client)
        return try await DynamoDBExecutionStore(table, retention: nil, now: now).runningOfOlderScript()
    }

    private func tableName() async throws -> String {
        let function: DeployedFunctions.Function
        do {
            function = try await DeployedFunctions(client: client).function("\(stack)-api")
        } catch let error as AWSError where error.status == 404 {
            throw DeploymentError.noStack(stack)
        }
        guard let table = function.environment?.variables?["EVERYLINE_TABLE"] else {
            throw DeploymentError.noStack(stack)
        }
        return table
    }
}
