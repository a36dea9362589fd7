import Everyline
import EverylineAWS
import NIOCore
import NIOHTTP1
import Testing

@Suite("The runtime API over HTTP") struct HTTPLambdaRuntimeAPITests {
    private static let headers: HTTPHeaders = [
        "Lambda-Runtime-Aws-Request-Id": "r1", "Lambda-Runtime-Deadline-Ms": "1790000000123",
    ]

    private func api(_ answers: ScriptedHTTP.Answer...) -> (HTTPLambdaRuntimeAPI, ScriptedHTTP) {
        let http = ScriptedHTTP(answers)
        return (HTTPLambdaRuntimeAPI(http: http, endpoint: AWSEndpoint(scheme: "http", host: "h", port: 9001)), http)
    }

    @Test("gives an event with its name and its deadline")
    func next() async throws {
        let (api, http) = api(.answer(200, #"{"a":1}"#, headers: Self.headers))
        let invocation = try await api.next()
        #expect(invocation.id == "r1")
        #expect(invocation.deadline == Timestamp(milliseconds: 1_790_000_000_123))
        #expect(String(buffer: invocation.payload) == #"{"a":1}"#)
        #expect(http.requests.first?.url == "http://h:9001/2018-06-01/runtime/invocation/next")
    }

    @Test("takes answers and failures to where they belong")
    func answers() async throws {
        let (api, http) = api(.answer(202), .answer(202), .answer(202))
        try await api.succeed("r1", with: ByteBuffer(string: "{}"))
        try await api.fail("r2", with: LambdaFailure(type: "E", message: "a \"b\""))
        try await api.failToStart(with: LambdaFailure(type: "E", message: "m"))
        #expect(
            http.requests.map(\.path) == [
                "/2018-06-01/runtime/invocation/r1/response", "/2018-06-01/runtime/invocation/r2/error",
                "/2018-06-01/runtime/init/error",
            ])
        #expect(http.requests[1].headers.first(name: "Lambda-Runtime-Function-Error-Type") == "E")
        let body = #"{"errorType":"E","errorMessage":"a \"b\"","stackTrace":[]}"#
        #expect(String(buffer: http.requests[1].body) == body)
    }

    @Test("gives up where it is refused, or where a header is missing")
    func refusals() async {
        let (api, _) = api(
            .answer(500), .answer(200, headers: ["Lambda-Runtime-Aws-Request-Id": "r"]), .answer(413))
        await #expect(throws: LambdaRuntimeError.refused(path: "/invocation/next", status: 500)) {
            try await api.next()
        }
        await #expect(throws: LambdaRuntimeError.missingHeader("Lambda-Runtime-Deadline-Ms")) { try await api.next() }
        await #expect(throws: LambdaRuntimeError.refused(path: "/invocation/r/response", status: 413)) {
            try await api.succeed("r", with: ByteBuffer())
        }
    }
}
