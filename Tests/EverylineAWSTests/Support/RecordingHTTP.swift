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
        if request.headers.first(name: "Content-Type")?.hasPrefix("application/x-www-form-urlencoded") == true {
            return AWSHTTPResponse(status: 200, body: ByteBuffer(string: "<Answer></Answer>"))
        }
        let target = request.headers.first(name: "X-Amz-Target").map { String($0.split(separator: ".")[1]) }
        // Then the default one is asked for.
        if target == "GetServiceQuota" {
            return AWSHTTPResponse(status: 400, body: ByteBuffer(string: #"{"__type":"NoSuchResourceException"}"#))
        }
        let answer = Self.answers[target ?? request.path]
        return AWSHTTPResponse(status: 200, body: ByteBuffer(string: answer ?? "{}"))
    }

    private static let definition = """
        {"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:eu-central-1:1:task-definition/d:1","cpu":"256","memory":"512",
        "executionRoleArn":"arn:aws:iam::1:role/e","taskRoleArn":"arn:aws:iam::1:role/t","containerDefinitions":[{
        "name":"command","image":"debian","essential":true,"stopTimeout":30,"entryPoint":["sh","-c","true","everyline"],
        "logConfiguration":{"logDriver":"awslogs","options":{"mode":"blocking"}}}]}}
        """

    private static let answers = [
        "/2015-03-31/functions/everyline-api/configuration": """
        {"Environment":{"Variables":{"EVERYLINE_TABLE":"everyline","EVERYLINE_LOG_GROUP":"g",
        "LogsEventsQueueURL":"https://sqs.eu-central-1.amazonaws.com/1/q.fifo","EVERYLINE_TASK_DEFINITION":"d:1",
        "EVERYLINE_CONNECTIONS_URL":"https://api.execute-api.eu-central-1.amazonaws.com/production"}}}
        """,
        "/2016-08-19/account-settings": #"{"AccountLimit":{"ConcurrentExecutions":10}}"#,
        "GetAWSDefaultServiceQuota": #"{"Quota":{"Value":6}}"#,
        "DescribeTaskDefinition": definition, "RegisterTaskDefinition": definition,
        "DescribeTable": "{\"Table\":{}}",
        "Query": "{\"Items\":[]}",
        "BatchGetItem": "{\"Responses\":{}}",
        "RunTask": "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-central-1:1:task/c/t\"}]}",
    ]
}
