import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import EverylineWebSocket

@Suite("The turns of a connection's requests")
struct RequestTurnTests {
    private let loop = EmbeddedEventLoop()
    private let queues = TurnQueues()

    private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n" }

    @Test("are one at a time, each after the answer before it, though all were read together")
    func oneAtATime() throws {
        let line = try Line(on: loop, queues)
        try line.receive(
            Self.get("/a") + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nheGET /c HTTP/1.1\r\n")
        #expect(line.handled == ["/a"])
        loop.advanceTime(by: .seconds(1))
        #expect(line.handled == ["/a"])
        try line.answer()
        #expect(line.handled == ["/a"], "the event loop looks after all others first")
        loop.advanceTime(by: .milliseconds(1))
        #expect(line.handled == ["/a", "/b he"])
        try line.answer()
        loop.advanceTime(by: .milliseconds(1))
        try line.receive("Host: x\r\n\r\n")
        #expect(line.handled == ["/a", "/b he", "/c"])
        try line.answer()
        #expect(try line.sent().components(of: "HTTP/1.1 200 OK") == 3)
    }

    @Test("keep anything more from being read until what is held has been handled")
    func backPressure() throws {
        let line = try Line(on: loop, queues)
        line.channel.read()
        #expect(line.reads.count == 1)
        try line.receive(Self.get("/a") + Self.get("/b"))
        line.channel.read()
        try line.answer()
        #expect(line.reads.count == 1)
        loop.advanceTime(by: .milliseconds(1))
        try line.answer()
        #expect(line.reads.count == 2)
    }

    @Test("alternate between connections, whatever each of them holds")
    func alternate() throws {
        let lines = try [Line(on: loop, queues), Line(on: loop, queues)]
        // Both are of one server.
        for line in lines { try line.receive(String(repeating: Self.get("/a"), count: 500)) }
        for round in 1..<200 {
            #expect(lines.map(\.handled.count) == [round, round])
            for line in lines { try line.answer() }
            loop.advanceTime(by: .milliseconds(1))
            #expect(lines.map(\.handled.count).reduce(0, +) == 2 * round + 1, "one begins")
            if lines[0].handled.count == round { break }
            loop.advanceTime(by: .milliseconds(5))
        }
        #expect(lines.map(\.handled.count) == [200, 200])
    }

    @Test("pass on to another connection while a request waits for something")
    func slow() throws {
        let (slow, quick) = (try Line(on: loop, queues), try Line(on: loop, queues))
        for line in [slow, quick] {
            try line.receive(Self.get("/a") + Self.get("/b"))
            try line.answer()
        }
        loop.advanceTime(by: .milliseconds(1))
        #expect(slow.handled.count == 2 && quick.handled.count == 1)
        loop.advanceTime(by: .milliseconds(6))
        #expect(quick.handled.count == 2)
    }

    @Test("reach a client that has closed its sending side, and then the end does")
    func inputClosed() throws {
        let line = try Line(on: loop, queues)
        try line.receive(Self.get("/a") + Self.get("/b"))
        line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!line.requests.isInputClosed)
        try line.answer()
        loop.advanceTime(by: .milliseconds(1))
        #expect(line.handled == ["/a", "/b"] && line.requests.isInputClosed)
    }

    @Test("end with what isn't HTTP, in its place")
    func rubbish() throws {
        let line = try Line(on: loop, queues)
        try line.receive(Self.get("/a") + Self.get("/b") + "rubbish\r\n\r\n" + Self.get("/c"))
        #expect(line.requests.errors.isEmpty)
        try line.answer()
        loop.advanceTime(by: .milliseconds(1))
        #expect(line.handled == ["/a", "/b"] && line.requests.errors.count == 1)
        try line.answer()
        loop.advanceTime(by: .seconds(1))
        #expect(line.handled == ["/a", "/b"])
    }

    // MARK: Bodies that come after their answer

    @Test("go on behind a request that was answered before it had come, if little more comes of it")
    func answeredEarly() throws {
        let line = try Line(on: loop, queues)
        try line.receive("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        try line.answer()
        #expect(try !line.sent().contains("close"))
        try line.receive(String(repeating: "x", count: 60000) + Self.get("/b"))
        loop.advanceTime(by: .milliseconds(1))
        #expect(line.handled == ["/a", "/b"])
    }

    @Test(
        "end behind one of which too much comes, whatever it is made of",
        arguments: [
            ("Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), ("Transfer-Encoding: chunked\r\n\r\n1;", "x"),
            ("Transfer-Encoding: chunked\r\n\r\n", "0"), ("Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", "y"),
        ])
    func tooMuch(fields: String, piece: String) throws {
        let line = try Line(on: loop, queues)
        try line.receive("POST /a HTTP/1.1\r\nHost: x\r\n\(fields)")
        try line.answer()
        #expect(line.channel.isActive)
        try line.receive(String(repeating: piece, count: 70_000 / piece.utf8.count))
        #expect(!line.channel.isActive)
    }

    @Test("end at once behind one that announces too much, and the answer says so")
    func announced() throws {
        let line = try Line(on: loop, queues)
        try line.receive("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n")
        try line.answer()
        #expect(try line.sent().contains("Connection: close\r\n") && !line.channel.isActive)
    }

    @Test("end behind one that comes too slowly")
    func tooSlow() throws {
        let line = try Line(on: loop, queues)
        try line.receive("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        try line.answer()
        for _ in 0..<19 {
            loop.advanceTime(by: .milliseconds(100))
            try line.receive("x")
        }
        #expect(line.channel.isActive)
        loop.advanceTime(by: .milliseconds(100))
        #expect(!line.channel.isActive)
    }

    // MARK: Heads that don't come

    @Test(
        "are lost by a head that isn't whole in time, however much of it comes",
        arguments: ["GET /b HTTP/1.1\r\nX: ", "GET /", "\r\n"])
    func slowHead(start: String) throws {
        let line = try Line(on: loop, queues)
        try line.receive(Self.get("/a"))
        try line.answer()
        loop.advanceTime(by: .seconds(60))
        #expect(line.channel.isActive, "a silence between two requests is none of its business")
        try line.receive(start)
        for _ in 0..<99 {
            loop.advanceTime(by: .milliseconds(100))
            try line.receive(start == "\r\n" ? "\r\n" : "x")
        }
        #expect(line.channel.isActive)
        loop.advanceTime(by: .milliseconds(100))
        #expect(try line.sent().contains("HTTP/1.1 408 Request Timeout\r\n") && !line.channel.isActive)
    }
}

/// One connection's HTTP handlers, and what stands behind them: a server that answers when it is told to.
private struct Line {
    let channel: EmbeddedChannel
    let requests = Requests()
    let reads = Reads()

    init(on loop: EmbeddedEventLoop, _ queues: TurnQueues) throws {
        channel = EmbeddedChannel(loop: loop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(reads)
        try pipeline.addHTTP1BehindGate(queues: queues)
        try pipeline.addHandler(requests)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// The paths and bodies of the requests that were handed on whole, or their heads alone.
    var handled: [String] { requests.handled }

    func receive(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    func answer() throws {
        try channel.writeOutbound(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
    }

    func sent() throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: IOData.self) {
            if case .byteBuffer(let bytes) = part { text += String(buffer: bytes) }
        }
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }
}

private final class Requests: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private(set) var handled: [String] = []
    private(set) var errors: [any Error] = []
    private(set) var isInputClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): handled.append(head.uri)
        case .body(let bytes): handled[handled.count - 1] += " " + String(buffer: bytes)
        case .end: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { errors.append(error) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { isInputClosed = true }
    }
}

/// Counts what is asked of the socket.
private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = Never

    private(set) var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

extension String {
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
