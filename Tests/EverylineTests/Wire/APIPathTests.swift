import Testing

@testable import Everyline

@Suite("A path of the API")
struct APIPathTests {
    @Test("names its execution")
    func execution() throws {
        let id = try #require(ExecutionID("a-Z_9"))
        #expect(APIPath.execution(in: APIPath.execution(id, .events), before: .events) == id)
        #expect(APIPath.execution(in: APIPath.execution(id, .stream), before: .stream) == id)
    }

    @Test(
        "names none if it is any other",
        arguments: [
            "", "/", "/events", "/api/v1/executions/events", "/api/v1/executions//events",
            "/api/v1/executions/a/b/events",
            "/api/v1/executions/a/events/", "/api/v1/executions/a/stream", "/api/v1/executionsa/events",
            "/api/v1/executionss/a/events", "/api/v2/executions/a/events", "x/api/v1/executions/a/events",
            "/api/v1/executions/%61/events", "/api/v1/executions/é/events", "/api/v1/executions/a\u{301}/events",
            "/api/v1/executions/\u{301}a/events", "/api/v1/executions/a/events\u{301}",
        ])
    func other(path: String) { #expect(APIPath.execution(in: path, before: .events) == nil) }
}
