import Everyline
import EverylineTesting
import NIOCore
import Testing

@Suite("The wire of a gateway")
struct GatewayWireTests {
    @Test(
        "reads what a viewer says as it was said",
        arguments: [
            ViewerMessage.resume(generation: 1, after: .zero), .resume(generation: 9, after: Offset(41)),
            .ping(have: Offset(3)),
        ])
    func messages(message: ViewerMessage) {
        #expect(ViewerMessage(ByteBuffer(string: message.text)) == message)
    }

    @Test(
        "takes nothing else for a viewer's message",
        arguments: [
            "", "{}", "[]", #"{"action":"resume","gen":1}"#, #"{"action":"resume","gen":-1,"after":0}"#,
            #"{"action":"ping","have":1.5}"#, #"{"action":"ping","have":"1"}"#, #"{"action":"ping","have":1} x"#,
            #"{"action":"stop","have":1}"#, #"{"action":"ping","have":99999999999999999999}"#,
            #"{"action":"ping","have":1,"x":""# + String(repeating: "x", count: 300) + "\"}",
        ])
    func garbage(text: String) {
        #expect(ViewerMessage(ByteBuffer(string: text)) == nil)
    }

    @Test("passes over fields that it doesn't know")
    func lenient() {
        let text = #" {"new":[1,{"a":"b"}],"have":7,"action":"ping"} "#
        #expect(ViewerMessage(ByteBuffer(string: text)) == .ping(have: Offset(7)))
    }

    @Test("gives a frame back as it was written")
    func frames() throws {
        let lines = try #require(Sample.body(["a", "b"], after: 3).block).message
        let long = Sample.id(String(repeating: "x", count: ExecutionID.maximumLength))
        let block = GatewayFrame.block(generation: UInt64(Int64.max), start: .maximum, execution: long, lines: lines)
        #expect(GatewayFrame(block.message) == block)
        #expect(block.message.readableBytes - lines.readableBytes <= GatewayFrame.maximumOverhead)
        let resumed = GatewayFrame.resumed(generation: 4, head: Offset(12))
        #expect(GatewayFrame(resumed.message) == resumed)
        #expect(GatewayFrame(GatewayFrame.heartbeat(head: Offset(5)).message) == .heartbeat(head: Offset(5)))
        #expect(GatewayFrame(lines) == .control(lines))
    }
}
