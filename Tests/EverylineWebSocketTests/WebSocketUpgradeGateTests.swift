import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineWebSocket

@Suite("An upgrade gate", .timeLimit(.minutes(5)))
struct WebSocketUpgradeGateTests {
    @Test("lets ordinary requests through, one after the other on one connection")
    func ordinary() async throws {
        try await LoopbackServer.withPeer { peer in
            try await peer.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
            try await peer.send("lloGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
            for text in ["POST /a upgrade=0 hello", "GET /b upgrade=0 "] {
                #expect(try await peer.head().hasPrefix("HTTP/1.1 404"))
                #expect(try await peer.read(text.utf8.count) == text)
            }
        }
    }

    @Test("reads little of a viewer at a time, however much it sends")
    func reading() async throws {
        try await LoopbackServer.run { server in
            try await RawPeer.connect(to: server.port) { peer in
                try await peer.send(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
                #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
                let channel = try #require(await server.connection())
                var reading = try await channel.getOption(.recvAllocator).get()
                for _ in 0..<20 { _ = reading.record(actualReadBytes: 1 << 20) }
                #expect(reading.buffer(allocator: ByteBufferAllocator()).writableBytes <= 2048)
            }
        }
    }

    @Test("closes a connection that says nothing, and answers one that says too little, in time")
    func timeout() async throws {
        var configuration = WebSocketConfiguration.server
        // Long enough that what is said is there before, however busy the machine is.
        configuration.firstRequestTimeout = .seconds(5)
        try await LoopbackServer.run(configuration) { server in
            try await RawPeer.connect(to: server.port) { peer in
                let rest = try await peer.rest()
                #expect(rest.readableBytes == 0)
            }
            try await RawPeer.connect(to: server.port) { peer in
                try await peer.send("GET / HT")
                #expect(try await peer.head().hasPrefix("HTTP/1.1 408"))
                #expect(try await peer.rest().readableBytes == 0)
            }
        }
    }

    @Test("closes a connection that is never decided about, also after another request", arguments: [0, 1])
    func undecided(requests: Int) async throws {
        var configuration = WebSocketConfiguration.server
        // Long enough that the request is there before, however busy the machine is.
        configuration.firstRequestTimeout = .seconds(8)
        let decision = Checkpoint()
        try await LoopbackServer.run(
            configuration, decide: decision.accepting,
            body: { server in
                try await RawPeer.connect(to: server.port) { peer in
                    for _ in 0..<requests { try await peer.get("/a") }
                    let head = try await peer.upgrade()
                    #expect(head == "")
                }
                decision.open()
            })
    }

    @Test("closes a silent connection when the server shuts down")
    func quiesce() async throws {
        try await LoopbackServer.run { server in
            try await RawPeer.connect(to: server.port) { peer in
                for await channel in server.accepted.prefix(1) {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                }
                let rest = try await peer.rest()
                #expect(rest.readableBytes == 0)
            }
        }
    }

    @Test(
        "that decides while the server shuts down tells the connection afterwards, also after another request",
        arguments: [0, 1])
    func quiesceWhileDeciding(requests: Int) async throws {
        var configuration = WebSocketConfiguration.server
        configuration.closeTimeout = .milliseconds(50)
        let decision = Checkpoint()
        try await LoopbackServer.run(
            configuration, decide: decision.accepting,
            body: { server in
                try await RawPeer.connect(to: server.port) { peer in
                    for _ in 0..<requests { try await peer.get("/a") }
                    try await peer.send(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
                    await decision.whenReached()
                    for await channel in server.accepted.prefix(1) {
                        try await channel.eventLoop.submit {
                            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                        }.get()
                    }
                    decision.open()
                    #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
                    #expect(try await peer.close()?.code == .goingAway)
                }
            })
    }
}

extension Checkpoint {
    /// A decision that is made when the test says so.
    var accepting: @Sendable (HTTPRequestHead) async -> WebSocketUpgradeGate<String>.Decision {
        { _ in
            await self.pass()
            return .accept("", subprotocol: nil)
        }
    }
}
