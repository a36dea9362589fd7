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
        return AWSHTTPResponse(status: 200, body: ByteBuffer(string: target.flatMap { Self.answers[$0] } ?? "{}"))
    }

    private static let answers = [
        "Query": "{\"Items\":[]}",
        "BatchGetItem": "{\"Responses\":{}}",
        "RunTask": "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-central-1:1:task/c/t\"}]}",
    ]
}
