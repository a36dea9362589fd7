import NIOCore
import NIOEmbedded
import Testing

@testable import EverylineWebSocket

@Suite("A WebSocket handler")
struct WebSocketHandlerTests {
    private struct Subject {
        let channel = EmbeddedChannel()
        let inbox = WebSocketInbox(limit: 1000)
        let closed: EventLoopFuture<WebSocketClosure>
        let handler: WebSocketHandler

        init(_ role: WebSocketRole = .server, change: (inout WebSocketConfiguration) -> Void = { _ in }) throws {
            var configuration = WebSocketConfiguration.server
            change(&configuration)
            let promise = channel.embeddedEventLoop.makePromise(of: WebSocketClosure.self)
            closed = promise.futureResult
            handler = WebSocketHandler(
                role: role, configuration: configuration, compression: nil, pool: CompressorPool(level: 1),
                inbox: inbox, closed: promise)
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/peer")).wait()
        }

        func receive(_ frames: ByteBuffer...) throws {
            for frame in frames { try channel.writeInbound(frame) }
        }

        /// The frames that went out since the last call.
        func sent() throws -> [(opcode: WebSocketOpcode, payload: ByteBuffer)] {
            var (bytes, frames) = (ByteBuffer(), [(WebSocketOpcode, ByteBuffer)]())
            while let written = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(written) }
            while let header = try FrameHeader.read(from: &bytes, role: .client, allowsCompression: false) {
                frames.append((header.opcode, bytes.readSlice(length: header.length) ?? ByteBuffer()))
            }
            return frames
        }
    }

    @Test("answers every ping while there is room, and only the latest when there was none")
    func pings() throws {
        let subject = try Subject()
        try subject.receive(Wire.frame(.ping, "1"), Wire.frame(.ping, "2"))
        #expect(try subject.sent().map { String(buffer: $0.payload) } == ["1", "2"])
        subject.channel.isWritable = false
        subject.channel.pipeline.fireChannelWritabilityChanged()
        for number in 3...9 { try subject.receive(Wire.frame(.ping, "\(number)")) }
        #expect(try subject.sent().isEmpty)
        subject.channel.isWritable = true
        subject.channel.pipeline.fireChannelWritabilityChanged()
        let pongs = try subject.sent()
        #expect(pongs.map { String(buffer: $0.payload) } == ["9"])
        #expect(pongs.allSatisfy { $0.opcode == .pong })
    }

    @Test("tells the peer what it did wrong, then looks at nothing else")
    func violation() throws {
        let subject = try Subject()
        try subject.receive(Wire.frame(.text, bytes: [0xFF]), Wire.frame(.text, "ignored"), Wire.frame(.ping, "x"))
        let sent = try subject.sent()
        #expect(sent.count == 1)
        #expect(try sent.first.map { try CloseFrame(payload: $0.payload).code } == .invalidPayload)
        #expect(subject.inbox.closure?.cause == .failure(.invalidPayload("text that isn't UTF-8")))
    }

    @Test("echoes the peer's close code, and hears nothing after it")
    func peerCloses() throws {
        let subject = try Subject()
        let close = Wire.frame(.close, bytes: [0x0F, 0xA0] + Array("bye".utf8))
        try subject.receive(close, Wire.frame(.text, "ignored"), Wire.frame(.ping, "x"))
        let sent = try subject.sent()
        #expect(sent.map(\.opcode) == [.close])
        #expect(sent.first?.payload == ByteBuffer(bytes: [0x0F, 0xA0]))
        #expect(subject.inbox.closure == WebSocketClosure(code: .init(4000), reason: "bye", cause: .peer))
    }

    @Test("answers a close frame without a code with one without a code")
    func emptyClose() throws {
        let subject = try Subject()
        try subject.receive(Wire.frame(.close, ""))
        #expect(try subject.sent().map(\.payload) == [ByteBuffer()])
        #expect(subject.inbox.closure?.code == .noStatus)
    }

    @Test("hangs up when the peer doesn't answer its close frame in time", arguments: [true, false])
    func closeTimeout(isServer: Bool) throws {
        let subject = try Subject(isServer ? .server : .client) { $0.closeTimeout = .seconds(5) }
        subject.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        subject.channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(subject.channel.isActive)
        subject.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!subject.channel.isActive)
        #expect(try subject.closed.wait() == WebSocketClosure(code: .goingAway, reason: "", cause: .local))
    }

    @Test("gives up a peer that sends nothing, and none that sends something")
    func silence() throws {
        let subject = try Subject { $0.idleTimeout = .seconds(10) }
        for _ in 0..<5 {
            subject.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
            try subject.receive(Wire.frame(.pong, ""))
        }
        #expect(subject.channel.isActive)
        subject.channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(!subject.channel.isActive)
        #expect(try subject.closed.wait().cause == .failure(.peerSilent))
    }

    @Test("handles no more in a second than its rate, and all that came in the end", arguments: [true, false])
    func rate(isSplit: Bool) throws {
        let subject = try Subject { $0.inboundRate = 10 }
        let frames = (1...30).map { Wire.frame(.ping, "\($0)") }
        if isSplit {
            for frame in frames { try subject.channel.writeInbound(frame) }
        } else {
            try subject.receive(frames.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) })
        }
        var answered: [Int] = []
        for _ in 0..<10 where answered.reduce(0, +) < 30 {
            answered.append(try subject.sent().count)
            #expect(answered.last ?? 0 <= 10)
            subject.channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
            #expect(try subject.sent().isEmpty)
            subject.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        }
        #expect(answered.reduce(0, +) == 30)
        #expect(subject.channel.isActive)
    }

    @Test("looks at what waited for the next second when the connection ends meanwhile")
    func endWithinTheSecond() throws {
        let subject = try Subject { $0.inboundRate = 2 }
        try subject.receive(Wire.frame(.ping, "1"), Wire.frame(.ping, "2"), Wire.frame(.close, bytes: [0x03, 0xE8]))
        #expect(subject.inbox.closure == nil)
        _ = try subject.channel.finish(acceptAlreadyClosed: true)
        #expect(try subject.closed.wait() == WebSocketClosure(code: .normal, reason: "", cause: .peer))
    }

    @Test("reads no further than its inbox has room, and goes on when there is some, even after the end")
    func room() throws {
        let subject = try Subject()
        let text = String(repeating: "x", count: 400)
        let frames = (0..<6).reduce(into: ByteBuffer()) { bytes, _ in
            bytes.writeImmutableBuffer(Wire.frame(.text, text))
        }
        try subject.receive(frames, Wire.frame(.close, bytes: [0x03, 0xE8]))
        #expect(subject.inbox.closure == nil)
        _ = try subject.channel.finish(acceptAlreadyClosed: true)
        var taken = 0
        while case .message(let message, let makesRoom)? = subject.inbox.take() {
            #expect(message == .text(ByteBuffer(string: text)))
            taken += 1
            if makesRoom { subject.handler.resumeReading() }
        }
        #expect(taken == 6)
        #expect(subject.inbox.closure == WebSocketClosure(code: .normal, reason: "", cause: .peer))
    }
}
