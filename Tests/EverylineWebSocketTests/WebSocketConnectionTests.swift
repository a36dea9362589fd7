import NIOCore
import NIOPosix
import Testing

@testable import EverylineWebSocket

@Suite("A WebSocket connection", .timeLimit(.minutes(5)))
struct WebSocketConnectionTests {
    private static let roomy: WebSocketConfiguration = {
        var configuration = WebSocketConfiguration(maximumMessageSize: 4 << 20)
        configuration.closeTimeout = .seconds(10)
        return configuration
    }()

    private static let plain: WebSocketConfiguration = {
        var configuration = roomy
        configuration.compression = false
        return configuration
    }()

    @Test("brings back what was sent, of any size, plain and compressed", arguments: [true, false])
    func echo(compression: Bool) async throws {
        let configuration = compression ? Self.roomy : Self.plain
        try await LoopbackServer.run(configuration) { server in
            let client = try await server.connect(configuration)
            #expect(client.subprotocol == "everyline.v1")
            for size in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 1 << 20] {
                let text = ByteBuffer(repeating: UInt8(ascii: "e"), count: size)
                try await client.send(texts: [text])
                #expect(try await client.next() == .text(text))
                let bytes = ByteBuffer(repeating: 0xFF, count: size)
                try await client.send(binaries: [bytes])
                #expect(try await client.next() == .binary(bytes))
            }
            let closure = await client.close(.normal, reason: "done")
            #expect(closure == WebSocketClosure(code: .normal, reason: "done", cause: .local))
        }
    }

    @Test("keeps the order of many messages that are sent at once, and of a reader that comes late")
    func order() async throws {
        let texts = (0..<20_000).map { ByteBuffer(string: "line \($0)") }
        try await LoopbackServer.run(
            Self.roomy,
            serve: { connection in
                for start in stride(from: 0, to: texts.count, by: 100) {
                    try await connection.send(texts: Array(texts[start..<start + 100]))
                }
            },
            body: { server in
                var configuration = Self.roomy
                configuration.inboxLimit = 1000
                let client = try await server.connect(configuration)
                for text in texts { #expect(try await client.next() == .text(text)) }
                #expect(try await client.next() == nil)
                #expect(client.closure == WebSocketClosure(code: .normal, reason: "", cause: .peer))
            })
    }

    @Test("sends from its event loop without leaving it")
    func pinned() async throws {
        try await LoopbackServer.run(
            Self.roomy,
            serve: { connection in
                try await PinnedSender(connection: connection).send(ByteBuffer(string: "from the loop"), times: 3)
            },
            body: { server in
                let client = try await server.connect(Self.roomy)
                for _ in 0..<3 { #expect(try await client.next() == .text(ByteBuffer(string: "from the loop"))) }
                #expect(try await client.next() == nil)
            })
    }

    @Test("has a worker compress what is large, never its event loop, and keeps the order", arguments: [true, false])
    func worker(compression: Bool) async throws {
        let configuration = compression ? Self.roomy : Self.plain
        let texts = [10, 100_000, 20, 16 * 1024, 30].map { ByteBuffer(repeating: UInt8(ascii: "w"), count: $0) }
        let (calls, wasCalled) = AsyncStream.makeStream(of: Bool.self)
        try await LoopbackServer.run(
            configuration,
            serve: { connection in
                let loop = connection.eventLoop
                for text in texts {
                    try await connection.send(texts: [text]) { compress in
                        wasCalled.yield(loop.inEventLoop)
                        return try await NIOThreadPool.singleton.runIfActive { compress() }
                    }
                }
                wasCalled.finish()
            },
            body: { server in
                let client = try await server.connect(configuration)
                for text in texts { #expect(try await client.next() == .text(text)) }
                #expect(try await client.next() == nil)
            })
        #expect(await calls.reduce(into: []) { $0.append($1) } == (compression ? [false, false] : []))
    }

    @Test("pushes messages to a sink, those that came before it first")
    func push() async throws {
        try await LoopbackServer.run(
            Self.roomy,
            serve: { connection in
                guard case .text(let first)? = try await connection.next() else { return }
                let (messages, continuation) = AsyncStream.makeStream(of: WebSocketMessage.self)
                connection.push(to: { continuation.yield($0) })
                var received = [String(buffer: first)]
                for await message in messages.prefix(4) { received.append(String(buffer: message.bytes)) }
                try await connection.send(texts: [ByteBuffer(string: received.joined(separator: " "))])
            },
            body: { server in
                let client = try await server.connect(Self.roomy)
                try await client.send(texts: ["a", "b", "c"].map { ByteBuffer(string: $0) })
                try await client.send(texts: ["d", "e"].map { ByteBuffer(string: $0) })
                #expect(try await client.next() == .text(ByteBuffer(string: "a b c d e")))
                #expect(try await client.next() == nil)
            })
    }

    @Test("tells both sides how it was closed", arguments: [1000, 1001, 1008, 1013, 4404] as [UInt16])
    func closeCodes(number: UInt16) async throws {
        let code = WebSocketCloseCode(number)
        try await LoopbackServer.run(
            serve: { $0.startClosing(code, reason: "why") },
            body: { server in
                let client = try await server.connect()
                if code == .normal || code == .goingAway {
                    #expect(try await client.next() == nil)
                } else {
                    await #expect(throws: WebSocketError.closed(code, reason: "why")) { try await client.next() }
                }
                #expect(try await client.closed.get() == WebSocketClosure(code: code, reason: "why", cause: .peer))
                await #expect(throws: WebSocketError.closed(code, reason: "why")) {
                    try await client.send(texts: [ByteBuffer(string: "too late")])
                }
                #expect(await client.close().code == code)
            })
    }

    @Test("without a close frame is lost, not complete")
    func lost() async throws {
        try await LoopbackServer.run(
            serve: { connection in
                try await connection.send(texts: [ByteBuffer(string: "last")])
                try await connection.channel.close()
            },
            body: { server in
                let client = try await server.connect()
                #expect(try await client.next() == .text(ByteBuffer(string: "last")))
                let error = await #expect(throws: WebSocketError.self) { try await client.next() }
                guard case .connectionLost? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(try await client.closed.get().code == .abnormal)
            })
    }

    @Test("stops waiting when its task is cancelled, and loses nothing by that")
    func cancelled() async throws {
        try await LoopbackServer.run { server in
            let client = try await server.connect()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) { try await client.next() }
                }
                group.cancelAll()
            }
            try await client.send(texts: [ByteBuffer(string: "still here")])
            #expect(try await client.next() == .text(ByteBuffer(string: "still here")))
            await client.close()
        }
    }

    @Test("to a peer that doesn't read suspends its sender, and ends as stalled")
    func stalled() async throws {
        var configuration = Self.plain
        configuration.stallTimeout = .milliseconds(100)
        configuration.closeTimeout = .milliseconds(50)
        let (outcomes, continuation) = AsyncStream.makeStream(of: (any Error)?.self)
        try await LoopbackServer.run(
            configuration,
            serve: { connection in
                let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
                do {
                    while true { try await connection.send(texts: [block]) }
                } catch {
                    let closure = try await connection.closed.get()
                    #expect(closure.code == .tryAgainLater)
                    continuation.yield(error)
                }
            },
            body: { server in
                // It shakes hands, and then its connection's back-pressure stops it from reading.
                try await RawPeer.connect(to: server.port) { peer in
                    let head = try await peer.upgrade()
                    #expect(head.hasPrefix("HTTP/1.1 101"))
                    for await outcome in outcomes.prefix(1) { #expect(outcome as? WebSocketError == .stalled) }
                }
            })
    }

    @Test("is writable again when its peer has taken what was sent, all of it and in one piece")
    func writable() async throws {
        var configuration = Self.plain
        configuration.highWaterMark = 1
        configuration.lowWaterMark = 1
        let numbers = 0..<20
        try await LoopbackServer.run(
            configuration,
            serve: { connection in
                for number in numbers {
                    let text = ByteBuffer(repeating: UInt8(ascii: "a") + UInt8(number), count: 100_000)
                    try await connection.send(texts: [text, text, text])
                    try await connection.whenWritable()
                    #expect(connection.isWritable)
                }
            },
            body: { server in
                let client = try await server.connect()
                for number in numbers {
                    for _ in 0..<3 {
                        let text = ByteBuffer(repeating: UInt8(ascii: "a") + UInt8(number), count: 100_000)
                        #expect(try await client.next() == .text(text))
                    }
                }
            })
    }

    @Test("that is given up says 1013 to a peer that reads again, and wakes its waiting sender")
    func givenUp() async throws {
        var configuration = Self.plain
        configuration.highWaterMark = 1
        configuration.lowWaterMark = 1
        let (stuck, isStuck) = AsyncStream.makeStream(of: Void.self)
        try await LoopbackServer.run(
            configuration,
            serve: { connection in
                let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
                while connection.isWritable { try await connection.send(texts: [block]) }
                connection.giveUp()
                await #expect(throws: WebSocketError.stalled) { try await connection.whenWritable() }
                isStuck.yield()
            },
            body: { server in
                let client = try await server.connect()
                for await _ in stuck.prefix(1) {}
                let closed = WebSocketError.closed(.tryAgainLater, reason: "the connection made no progress")
                await #expect(throws: closed) {
                    while try await client.next() != nil {}
                }
            })
    }

    @Test("whose reader is slow slows its sender down, and loses nothing")
    func backPressure() async throws {
        var small = Self.plain
        small.inboxLimit = 64 * 1024
        let configuration = small
        try await LoopbackServer.run(
            configuration,
            serve: { connection in
                for number in 0..<100 {
                    let text = ByteBuffer(repeating: UInt8(ascii: "a") + UInt8(number % 26), count: 200_000)
                    try await connection.send(texts: [text])
                }
            },
            body: { server in
                let client = try await server.connect(configuration)
                for number in 0..<100 {
                    let message = try await client.next()
                    #expect(message?.bytes.readableBytes == 200_000)
                    #expect(message?.bytes.readableBytesView.last == UInt8(ascii: "a") + UInt8(number % 26))
                }
                #expect(try await client.next() == nil)
            })
    }

    @Test("to a silent peer is given up")
    func silent() async throws {
        try await LoopbackServer.run { server in
            var configuration = WebSocketConfiguration.client
            configuration.idleTimeout = .milliseconds(50)
            let client = try await server.connect(configuration)
            await #expect(throws: WebSocketError.peerSilent) { try await client.next() }
        }
    }

    @Test("is closed as going away when the server shuts down, or as it likes")
    func quiesce() async throws {
        try await LoopbackServer.run(
            serve: { _ = try await $0.closed.get() },
            body: { server in
                let client = try await server.connect()
                for await channel in server.accepted.prefix(1) {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                }
                #expect(try await client.next() == nil)
                #expect(client.closure?.code == .goingAway)
            })
        try await LoopbackServer.run(
            serve: { connection in
                connection.push(to: { _ in }, onQuiesce: { connection.startClosing(.tryAgainLater) })
                try await connection.send(texts: [ByteBuffer(string: "ready")])
                _ = try await connection.closed.get()
            },
            body: { server in
                let client = try await server.connect()
                _ = try await client.next()
                for await channel in server.accepted.prefix(1) {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                }
                await #expect(throws: WebSocketError.closed(.tryAgainLater, reason: "")) { try await client.next() }
            })
    }
}

/// Runs on its connection's event loop.
private actor PinnedSender {
    private let connection: WebSocketConnection
    nonisolated let unownedExecutor: UnownedSerialExecutor

    init(connection: WebSocketConnection) {
        self.connection = connection
        unownedExecutor = connection.eventLoop.executor.asUnownedSerialExecutor()
    }

    func send(_ text: ByteBuffer, times: Int) async throws {
        for _ in 0..<times {
            #expect(connection.eventLoop.inEventLoop)
            try await connection.send(texts: [text])
        }
    }
}
