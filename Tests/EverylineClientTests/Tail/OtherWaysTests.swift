import Everyline
import NIOCore
import Testing

@testable import EverylineClient

@Suite("A log's other ways") struct OtherWaysTests {
    @Test("say as server-sent events what a stream says by WebSocket")
    func events() {
        let line = Lines.line(7)
        let pending = #"{"type":"pending","after":7,"message":"50%"}"#
        let text =
            "retry: 1000\n\nid: 7\ndata: \(line)\n\n: heartbeat 7\n\nevent: pending\ndata: \(pending)\n\n"
            + ": another comment\n"
        let message = EventsTailConnection.message(of: ByteBuffer(string: text))
        #expect(String(buffer: message) == "\(line)\n\(Lines.heartbeat(7))\n\(pending)\n")
    }

    @Test("begin at the address that the client was given, whatever the server takes for its own")
    func address() async throws {
        let id = try #require(ExecutionID("e"))
        func own(_ address: String, _ url: String) async throws -> String {
            try await EverylineClient.with(.init(address: ServerAddress(address))) { $0.ownURL(ofStream: url, of: id) }
        }
        let theirs = "ws://127.0.0.1:7070/api/v1/executions/e/stream?token=t"
        let proxied = "wss://logs.example.com/ev/api/v1/executions/e/stream?token=t"
        #expect(try await own("https://logs.example.com/ev", theirs) == proxied)
        #expect(try await own("http://[::1]:8080", theirs) == "ws://[::1]:8080/api/v1/executions/e/stream?token=t")
        #expect(try await own("http+unix://%2Fsocket", theirs) == theirs)
    }
}
