import Everyline
import EverylineTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineAWS

/// Passes requests for the table on, and says of every task that is asked for whether it runs.
private struct Cluster: AWSHTTP {
    let status: String

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        guard request.headers.first(name: "X-Amz-Target")?.hasSuffix("DescribeTasks") == true else {
            return try await Emulator.http.send(request, timeout: timeout)
        }
        let answer = "{\"tasks\":[{\"taskArn\":\"arn:1\",\"lastStatus\":\"\(status)\"}]}"
        return AWSHTTPResponse(status: 200, body: ByteBuffer(string: answer))
    }
}

@Suite("A doctor's look at executions", .enabled(if: Emulator.endpoint != nil))
struct AWSDoctorExecutionsTests {
    @Test(
        "finds those whose task runs no more",
        arguments: [("RUNNING", DoctorFinding.Verdict.good), ("STOPPED", .wrong)])
    func lost(status: String, verdict: DoctorFinding.Verdict) async throws {
        let http = Cluster(status: status)
        let table = try await Emulator.makeTable(http)
        let executions = DynamoDBExecutionStore(table, retention: nil, now: { Emulator.now })
        for id in ["with-task", "elsewhere"] {
            _ = try await executions.create(Sample.execution(id), appendToken: Sample.hash(id), idempotency: nil)
        }
        let task = ExecutionTask(arn: "arn:1", stream: LogStreamName(group: "g", name: "s"))
        try await DynamoDBTaskStore(table).add(task, of: Sample.id("with-task"))
        let doctor = AWSDoctor("s", client: Emulator.client(http), probe: "p", now: { Emulator.now })
        let findings = try await doctor.examineExecutions(table.name, cluster: "c", queue: nil)
        #expect(findings.map(\.verdict) == [verdict])
        #expect(findings[0].text.contains("with-task") == (verdict == .wrong))
        #expect(!findings[0].text.contains("elsewhere"))
    }
}
