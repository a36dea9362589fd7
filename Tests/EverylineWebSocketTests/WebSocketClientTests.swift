import NIOCore
import NIOPosix
import Testing

@testable import EverylineWebSocket

@Suite("A WebSocket client", .timeLimit(.minutes(5)))
struct WebSocketClientTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    @Test("gets a refused handshake's status and body")
    func refused() async throws {
        try await LoopbackServer.run { server in
            let refusal = WebSocketError.handshakeRefused(status: 404, body: "GET /other upgrade=0 ")
            await #expect(throws: refusal) { try await server.connect(path: "/other") }
        }
    }

    @Test("gives up a server that doesn't answer, and one that isn't there")
    func unanswered() async throws {
        // It accepts connections into its backlog, and that is all.
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.autoRead, value: false).bind(host: "127.0.0.1", port: 0).get()
        let url = "ws://127.0.0.1:\(try #require(server.localAddress?.port))/"
        var configuration = WebSocketConfiguration.client
        configuration.handshakeTimeout = .milliseconds(50)
        await #expect(throws: WebSocketError.timedOut("no answer to the handshake")) {
            try await WebSocketClient.connect(to: url, configuration: configuration, eventLoopGroup: group)
        }
        try await server.close()
        // Not the port that was just given back: another test's server may have got it.
        let unreachable = "ws://127.0.0.1:1/"
        let error = await #expect(throws: WebSocketError.self) {
            try await WebSocketClient.connect(to: unreachable, configuration: configuration, eventLoopGroup: group)
        }
        guard case .unreachable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("finds a server by name")
    func name() async throws {
        try await LoopbackServer.run { server in
            let client = try await WebSocketClient.connect(
                to: "ws://localhost:\(server.port)/ws", eventLoopGroup: group)
            try await client.send(texts: [ByteBuffer(string: "hello")])
            #expect(try await client.next() == .text(ByteBuffer(string: "hello")))
            await client.close()
        }
    }
}
