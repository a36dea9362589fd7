import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A server's answer to a broken rule", .timeLimit(.minutes(5)))
struct ProtocolViolationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: ByteBuffer
        let code: WebSocketCloseCode
    }

    static let cases: [Case] = [
        Case(
            testDescription: "an unmasked frame", bytes: Wire.frame(.text, bytes: [65], mask: nil),
            code: .protocolError),
        Case(testDescription: "invalid UTF-8", bytes: Wire.frame(.text, bytes: [0xC0]), code: .invalidPayload),
        Case(
            testDescription: "an oversize message",
            bytes: Wire.frame(.text, bytes: Array(repeating: 65, count: 65_537)),
            code: .messageTooBig),
        Case(testDescription: "a reserved opcode", bytes: ByteBuffer(bytes: [0x83, 0x80]), code: .protocolError),
        Case(testDescription: "a continuation of nothing", bytes: Wire.frame(.continuation, ""), code: .protocolError),
        Case(
            testDescription: "compression that wasn't agreed on",
            bytes: Wire.frame(.text, bytes: [0], isCompressed: true), code: .protocolError),
    ]

    @Test("is a close frame and the end", arguments: cases)
    func answer(to broken: Case) async throws {
        try await LoopbackServer.withPeer { peer in
            _ = try await peer.upgrade()
            try await peer.send(broken.bytes)
            #expect(try await peer.close()?.code == broken.code)
        }
    }

    @Test("is the same for a compression bomb")
    func bomb() async throws {
        let zeros = ByteBuffer(repeating: 0, count: 1 << 20)
        let deflated = try #require(CompressorPool(level: 9).deflate(zeros, windowBits: 15))
        let bomb = Wire.frame(.binary, bytes: Array(deflated.readableBytesView), isCompressed: true)
        try await LoopbackServer.withPeer { peer in
            let head = try await peer.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n")
            #expect(head.contains("permessage-deflate"))
            try await peer.send(bomb)
            #expect(try await peer.close()?.code == .messageTooBig)
        }
    }
}
