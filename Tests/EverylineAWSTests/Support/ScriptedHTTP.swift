import EverylineAWS
import NIOCore
import NIOHTTP1
import Synchronization

/// Gives the answers that it was told, one after the other, and keeps the requests.
final class ScriptedHTTP: AWSHTTP {
    typealias Answer = Result<AWSHTTPResponse, AWSTransportError>

    private let state: Mutex<(answers: [Answer], requests: [AWSHTTPRequest])>

    init(_ answers: [Answer]) { state = Mutex((answers, [])) }

    var requests: [AWSHTTPRequest] { state.withLock { $0.requests } }

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            // A caller that asks more often than it should finds no server.
            return state.answers.isEmpty ? .failure(.unreachable("no more answers")) : state.answers.removeFirst()
        }
        return try answer.get()
    }
}

extension Result<AWSHTTPResponse, AWSTransportError> {
    static func answer(_ status: Int, _ body: String = "{}", headers: HTTPHeaders = [:]) -> Self {
        .success(AWSHTTPResponse(status: status, headers: headers, body: ByteBuffer(string: body)))
    }
}
