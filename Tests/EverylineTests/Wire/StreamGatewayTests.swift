import Everyline
import Testing

@Suite("A gateway's stream") struct StreamGatewayTests {
    @Test("has an address that says where the viewer resumes", arguments: [UInt64(0), 41])
    func address(after offset: UInt64) throws {
        let gateway = StreamGateway(address: "wss://a.example/live")
        let url = gateway.url(of: try #require(ExecutionID("e1")), token: "els_x", after: Offset(offset))
        #expect(url.hasPrefix("wss://a.example/live?execution=e1&token=els_x&"))
        #expect(StreamGateway.start(of: url) == Offset(offset))
    }

    @Test(
        "is told apart from a stream that begins by itself",
        arguments: ["ws://h/api/v1/executions/e/stream?token=els_x", "ws://h/x", "ws://h/x?opening=resumed"])
    func others(url: String) {
        #expect(StreamGateway.start(of: url) == nil)
    }
}
