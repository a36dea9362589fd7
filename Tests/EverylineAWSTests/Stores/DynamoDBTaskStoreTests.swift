import Everyline
import EverylineTesting
import Testing

@testable import EverylineAWS

@Suite("A task in DynamoDB", .enabled(if: Emulator.endpoint != nil))
struct DynamoDBTaskStoreTests {
    @Test("is found by its execution and by its stream, for as long as the execution is kept", arguments: [nil, 60])
    func found(retention: Int64?) async throws {
        let table = try await Emulator.makeTable()
        let execution = Sample.execution("e", at: Emulator.now.milliseconds)
        _ = try await DynamoDBExecutionStore(
            table, retention: retention.map { .seconds($0) }, now: { Emulator.now }
        ).create(execution, appendToken: Sample.hash("t"), idempotency: nil)
        let store = DynamoDBTaskStore(table)
        let task = ExecutionTask(arn: "arn:1", stream: LogStreamName(group: "/g", name: "run/command/1"))
        #expect(try await store.task(of: execution.id) == nil)
        #expect(try await store.execution(of: task.stream) == nil)
        try await store.add(task, of: execution.id)
        #expect(try await store.task(of: execution.id) == task)
        #expect(try await store.execution(of: task.stream) == execution.id)
        let expires = retention.map { AttributeValue.number(Emulator.now.milliseconds / 1000 + $0) }
        let keys = [DynamoDBTable.Key("E#e", "TASK"), DynamoDBTable.Key("S#/g", "run/command/1")]
        #expect(try await table.get(keys).map { $0["expires_s"] } == [expires, expires])
    }
}
