import EverylineAWS
import NIOCore
import NIOHTTP1
import Synchronization

/// Takes every request, and gives an answer that its operation can be content with.
final class RecordingHTTP: AWSHTTP {
    private let recorded = Mutex<[AWSHTTPRequest]>([])

    var requests: [AWSHTTPRequest] { recorded.withLock { $0 } }

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        recorded.withLock { $0.append(request) }
        let target = request.headers.first(name: "X-Amz-Target").map { String($0.split(separator: ".")[1]) }
        let answer = Self.answers[target ?? request.path]
        return AWSHTTPResponse(status: 200, body: ByteBuffer(string: answer ?? "{}"))
    }

    private static let answers = [
        "/2015-03-31/functions/everyline-api/configuration": """
        {"Environment":{"Variables":{"EVERYLINE_TABLE":"everyline","EVERYLINE_LOG_GROUP":"g",
        "LogsEventsQueueURL":"https://sqs.eu-central-1.amazonaws.com/1/q.fifo","EVERYLINE_TASK_DEFINITION":"d:1",
        "EVERYLINE_CONNECTIONS_URL":"https://api.execute-api.eu-central-1.amazonaws.com/production"}}}
        """,
        "DescribeTable": "{\"Table\":{}}",
        "Query": "{\"Items\":[]}",
        "BatchGetItem": "{\"Responses\":{}}",
        "RunTask": "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-central-1:1:task/c/t\"}]}",
    ]
}
