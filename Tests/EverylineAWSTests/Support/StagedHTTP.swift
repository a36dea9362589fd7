import EverylineAWS
import NIOHTTP1
import Synchronization

/// Passes requests on and keeps them; but the answers to some of them are lost on the way back.
final class StagedHTTP: AWSHTTP {
    private let http: any AWSHTTP
    private let state = Mutex<(losses: Set<String>, requests: [AWSHTTPRequest])>(([], []))

    init(_ http: any AWSHTTP) { self.http = http }

    /// The next request for this operation is carried out, and its answer lost.
    func lose(_ operation: String) { state.withLock { _ = $0.losses.insert(operation) } }

    /// The operations that were asked for, in order.
    var operations: [String] { requests.map(Self.operation) }
    var requests: [AWSHTTPRequest] { state.withLock { $0.requests } }

    func forget() { state.withLock { $0.requests = [] } }

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        let isLost = state.withLock { state in
            state.requests.append(request)
            return state.losses.remove(Self.operation(request)) != nil
        }
        let answer = try await http.send(request, timeout: timeout)
        if isLost { throw AWSTransportError.timedOut }
        return answer
    }

    private static func operation(_ request: AWSHTTPRequest) -> String {
        request.headers.first(name: "X-Amz-Target").map { String($0.split(separator: ".")[1]) } ?? request.path
    }
}
