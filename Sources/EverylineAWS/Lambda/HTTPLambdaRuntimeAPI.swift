import Everyline
package import NIOCore
import NIOHTTP1

/// The runtime API over HTTP, at the address that Lambda gives in `AWS_LAMBDA_RUNTIME_API`.
package struct HTTPLambdaRuntimeAPI: LambdaRuntimeAPI {
    /// Longer than Lambda keeps an environment: it freezes the process in the middle of asking for the next event.
    private static let patience: Duration = .seconds(30 * 24 * 60 * 60)

    private let http: any AWSHTTP
    private let endpoint: AWSEndpoint

    /// - Parameter endpoint: the host and the port that Lambda gives, over plain HTTP.
    package init(http: any AWSHTTP, endpoint: AWSEndpoint) {
        self.http = http
        self.endpoint = endpoint
    }

    package func next() async throws -> LambdaInvocation {
        let path = "/invocation/next"
        let response = try await http.send(
            AWSHTTPRequest(.GET, endpoint, path: Self.prefix + path), timeout: Self.patience)
        guard response.status == 200 else {
            throw LambdaRuntimeError.refused(path: path, status: response.status)
        }
        let id = try response.value("Lambda-Runtime-Aws-Request-Id")
        guard let deadline = Timestamp(decimal: try response.value(Self.deadline)) else {
            throw LambdaRuntimeError.missingHeader(Self.deadline)
        }
        return LambdaInvocation(id: id, payload: response.body, deadline: deadline)
    }

    package func succeed(_ id: String, with answer: ByteBuffer) async throws {
        try await post(answer, to: "/invocation/\(id)/response")
    }

    package func fail(_ id: String, with failure: LambdaFailure) async throws {
        try await post(failure.json, to: "/invocation/\(id)/error", errorType: failure.type)
    }

    package func failToStart(with failure: LambdaFailure) async throws {
        try await post(failure.json, to: "/init/error", errorType: failure.type)
    }

    private func post(_ body: ByteBuffer, to path: String, errorType: String? = nil) async throws {
        var request = AWSHTTPRequest(.POST, endpoint, path: Self.prefix + path, body: body)
        request.headers.add(name: "Content-Type", value: "application/json")
        if let errorType { request.headers.add(name: "Lambda-Runtime-Function-Error-Type", value: errorType) }
        let response = try await http.send(request, timeout: .seconds(10))
        guard (200..<300).contains(response.status) else {
            throw LambdaRuntimeError.refused(path: path, status: response.status)
        }
    }

    private static let prefix = "/2018-06-01/runtime"
    private static let deadline = "Lambda-Runtime-Deadline-Ms"
}

extension AWSHTTPResponse {
    fileprivate func value(_ name: String) throws -> String {
        guard let value = headers.first(name: name) else { throw LambdaRuntimeError.missingHeader(name) }
        return value
    }
}
