import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("An upgrade, its connection's first request or a later one", .timeLimit(.minutes(5)))
struct LateUpgradeTests {
    @Test("is taken after any number of requests", arguments: [0, 1, 2, 100])
    func after(requests: Int) async throws {
        try await LoopbackServer.withPeer { peer in
            for _ in 0..<requests { try await peer.get("/a") }
            try await peer.expectWebSocket()
        }
    }

    @Test(
        "is taken behind a request with a body",
        arguments: [
            "Content-Length: 5\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
        ])
    func afterBody(body: String) async throws {
        try await LoopbackServer.withPeer { peer in
            // In one piece with the upgrade, and with the frame behind that.
            var bytes = ByteBuffer(string: "POST /a HTTP/1.1\r\nHost: x\r\n\(body)")
            bytes.writeImmutableBuffer(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
            bytes.writeImmutableBuffer(Wire.frame(.text, "early"))
            try await peer.send(bytes)
            try await peer.expect("POST /a upgrade=0 hello")
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
            #expect(try await peer.frame()?.1 == ByteBuffer(string: "early"))
        }
    }

    @Test("that comes byte by byte loses nothing, nor do the frames behind it", arguments: [0, 1])
    func slowly(requests: Int) async throws {
        try await LoopbackServer.withPeer { peer in
            for _ in 0..<requests { try await peer.get("/a") }
            var bytes = UpgradeRequestTests.head("GET /ws HTTP/1.1")
            for number in 0..<10 { bytes.writeImmutableBuffer(Wire.frame(.text, "\(number)")) }
            while let byte = bytes.readSlice(length: 1) { try await peer.send(byte) }
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
            for number in 0..<10 { #expect(try await peer.frame()?.1 == ByteBuffer(string: "\(number)")) }
        }
    }

    @Test("finds its place in whatever comes before and behind it, in pieces of whatever size", arguments: 0..<40)
    func pieces(seed: UInt64) async throws {
        var generator = SplitMix(state: seed)
        var (bytes, answers) = (ByteBuffer(), [String]())
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            let (request, answer) = Self.requests.randomElement(using: &generator) ?? ("", "")
            bytes.writeString(request)
            answers.append(answer)
        }
        bytes.writeImmutableBuffer(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
        for number in 0..<5 { bytes.writeImmutableBuffer(Wire.frame(.text, "\(number)")) }
        var pieces: [ByteBuffer] = []
        let longest = Int.random(in: 1...1000, using: &generator)
        while bytes.readableBytes > 0 {
            let length = min(bytes.readableBytes, Int.random(in: 1...longest, using: &generator))
            if let piece = bytes.readSlice(length: length) { pieces.append(piece) }
        }
        try await LoopbackServer.withPeer { [pieces, answers] peer in
            for piece in pieces { try await peer.send(piece) }
            for answer in answers { try await peer.expect(answer) }
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
            for number in 0..<5 { #expect(try await peer.frame()?.1 == ByteBuffer(string: "\(number)")) }
        }
    }

    private static let requests = [
        ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a upgrade=0 "),
        ("HEAD /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", ""),
        (
            "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\nGET /ws HTTP/1.1\r\n\r\nGE",
            "POST /b upgrade=0 GET /ws HTTP/1.1\r\n\r\nGE"
        ),
        (
            "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n",
            "POST /c upgrade=0 abcd"
        ),
        (
            "GET /no HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "GET /no upgrade=0 "
        ),
        (
            "OPTIONS /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: keep-alive, upgrade\r\n\r\n",
            "OPTIONS /ws upgrade=0 "
        ),
    ]

    @Test("waits until the requests before it are answered, and nothing is read meanwhile")
    func pipelined() async throws {
        let answer = Checkpoint()
        try await LoopbackServer.withPeer(answer: answer) { peer in
            try await peer.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
            try await peer.send(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
            try await peer.send(Wire.frame(.text, "early"))
            await answer.whenReached()
            answer.open()
            try await peer.expect("GET /later upgrade=0 ")
            try await peer.expect("GET /b upgrade=0 ")
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101"))
            #expect(try await peer.frame()?.1 == ByteBuffer(string: "early"))
        }
    }

    @Test(
        "that is declined is answered like any other, and the connection goes on",
        arguments: [
            "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n",
        ])
    func declined(fields: String) async throws {
        try await LoopbackServer.withPeer { peer in
            for _ in 0..<3 {
                try await peer.send(
                    "GET /no HTTP/1.1\r\nHost: x\r\n\(fields)\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
                try await peer.expect("GET /no upgrade=0 ")
                try await peer.expect("GET /next upgrade=0 ")
            }
            try await peer.expectWebSocket()
        }
    }

    @Test(
        "of which it isn't certain where it ends is answered, and is the last of its connection",
        arguments: [
            "GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhe",
            "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        ])
    func uncertain(request: String) async throws {
        try await LoopbackServer.withPeer { peer in
            try await peer.get("/a")
            try await peer.send(request)
            let rest = String(buffer: try await peer.rest())
            #expect(rest.hasPrefix("HTTP/1.1 404") && rest.lowercased().contains("\r\nconnection: close\r\n"))
        }
    }

    @Test(
        "is answered, and hung up on, if it is no handshake",
        arguments: [("Version: 13", "Version: 7", "426"), ("ZQ==", "Z", "400")], [0, 1])
    func refused(change: (String, String, String), requests: Int) async throws {
        let (part, replacement, status) = change
        try await LoopbackServer.withPeer { peer in
            for _ in 0..<requests { try await peer.get("/a") }
            let head = String(buffer: UpgradeRequestTests.head("GET /ws HTTP/1.1"))
            try await peer.send(head.split(separator: part).joined(separator: replacement))
            #expect(try await peer.head().hasPrefix("HTTP/1.1 \(status) "))
            #expect(try await peer.rest().readableBytes == 0)
        }
    }

    @Test(
        "behind which the decoder goes on, since it reads the wish otherwise, costs the connection",
        arguments: ["GET /b HTTP/1.1\r\nHost: x\r\n\r\n", "\u{1}\u{2}"])
    func misread(behind: String) async throws {
        try await LoopbackServer.withPeer { peer in
            try await peer.get("/a")
            let fields = UpgradeRequestTests.fields.split(separator: "keep-alive, Upgrade")
                .joined(separator: "Upgrade\t, x")
            var bytes = UpgradeRequestTests.head("GET /ws HTTP/1.1", fields)
            bytes.writeString(behind)
            try await peer.send(bytes)
            #expect(try await peer.rest().readableBytes == 0)
        }
    }

    @Test(
        "is never served if its connection ends while it waits, or is decided about",
        arguments: [(0, true), (1, true), (1, false)] as [(Int, Bool)])
    func lost(requests: Int, isDeciding: Bool) async throws {
        let (answer, decision) = (Checkpoint(), Checkpoint())
        if isDeciding { answer.open() }
        try await LoopbackServer.run(
            decide: decision.accepting, serve: { _ in Issue.record("the connection is served") }, answer: answer,
            body: { server in
                try await RawPeer.connect(to: server.port) { peer in
                    for _ in 0..<requests { try await peer.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n") }
                    try await peer.send(UpgradeRequestTests.head("GET /ws HTTP/1.1"))
                    await (isDeciding ? decision : answer).whenReached()
                }
                let channel = try #require(await server.connection())
                channel.close(promise: nil)
                try await channel.closeFuture.get()
                answer.open()
                decision.open()
                var failures = server.failures.makeAsyncIterator()
                #expect(await failures.next() is WebSocketError)
            })
    }
}

extension RawPeer {
    /// Asks for what is not there, and gets that answer.
    mutating func get(_ path: String) async throws {
        try await send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
        try await expect("GET \(path) upgrade=0 ")
    }

    fileprivate mutating func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let head = try await head()
        #expect(head.hasPrefix("HTTP/1.1 404"), sourceLocation: sourceLocation)
        let body = try await read(text.utf8.count)
        #expect(body == text, sourceLocation: sourceLocation)
    }

    fileprivate mutating func expectWebSocket() async throws {
        let head = try await upgrade()
        #expect(head.hasPrefix("HTTP/1.1 101"))
        try await send(Wire.frame(.text, "hello"))
        let answer = try await frame()?.1
        #expect(answer == ByteBuffer(string: "hello"))
    }
}
