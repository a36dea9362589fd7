import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A message assembler")
struct MessageAssemblerTests {
    typealias Event = MessageAssembler.Event

    @Test("gives a message of any size whole, however its bytes are cut", arguments: [0, 1, 125, 126, 65_535, 65_536])
    func sizes(size: Int) throws {
        let text = ByteBuffer(repeating: UInt8(ascii: "x"), count: size)
        for (sender, receiver) in [(WebSocketRole.client, WebSocketRole.server), (.server, .client)] {
            let bytes = Wire.frames([text], from: sender)
            for piece in [1 + size / 7, 4096, bytes.readableBytes] {
                #expect(try Self.events(of: bytes, by: receiver, in: piece) == [.message(.text(text))])
            }
        }
    }

    @Test("joins fragments, and gives control frames between them at once")
    func fragments() throws {
        var bytes = Wire.frame(.text, "Hel", isFinal: false)
        bytes.writeImmutableBuffer(Wire.frame(.ping, "p"))
        bytes.writeImmutableBuffer(Wire.frame(.continuation, "", isFinal: false))
        bytes.writeImmutableBuffer(Wire.frame(.pong, ""))
        bytes.writeImmutableBuffer(Wire.frame(.continuation, "lo"))
        bytes.writeImmutableBuffer(Wire.frame(.close, bytes: [0x03, 0xE8] + Array("bye".utf8)))
        for piece in [1, 2, 3, 1000] {
            #expect(
                try Self.events(of: bytes, in: piece) == [
                    .ping(ByteBuffer(string: "p")), .pong, .message(.text(ByteBuffer(string: "Hello"))),
                    .close(CloseFrame(code: .normal, reason: "bye")),
                ])
        }
    }

    @Test("refuses a continuation of nothing and a message inside another")
    func order() {
        expect(.protocolError, for: [Wire.frame(.continuation, "x")])
        expect(.protocolError, for: [Wire.frame(.text, "x", isFinal: false), Wire.frame(.text, "y")])
        expect(.protocolError, for: [Wire.frame(.binary, "x", isFinal: false), Wire.frame(.text, "y", isFinal: false)])
    }

    @Test("refuses text that isn't UTF-8 before its last frame")
    func invalidText() {
        expect(.invalidPayload, for: [Wire.frame(.text, bytes: [0x41, 0xFF], isFinal: false)])
        expect(.invalidPayload, for: [Wire.frame(.text, bytes: [0xE2, 0x82])])
        expect(
            .invalidPayload,
            for: [Wire.frame(.text, bytes: [0xF4], isFinal: false), Wire.frame(.continuation, bytes: [0x90])])
    }

    @Test("takes text whose characters are cut by fragments, and binary messages that are no text")
    func cutCharacters() throws {
        var bytes = Wire.frame(.text, bytes: [0xE2, 0x82], isFinal: false)
        bytes.writeImmutableBuffer(Wire.frame(.continuation, bytes: [0xAC]))
        bytes.writeImmutableBuffer(Wire.frame(.binary, bytes: [0xFF]))
        #expect(
            try Self.events(of: bytes, in: 3) == [
                .message(.text(ByteBuffer(string: "€"))), .message(.binary(ByteBuffer(bytes: [0xFF]))),
            ])
    }

    @Test("refuses a message over the limit by the header that says so")
    func tooBig() {
        var header = ByteBuffer()
        FrameHeader(opcode: .text, mask: FrameMask(key: 0), length: 70_001).write(to: &header)
        expect(.messageTooBig, for: [header])
        let part = Wire.frame(.binary, bytes: Array(repeating: 0, count: 40_000), isFinal: false)
        header.clear()
        FrameHeader(opcode: .continuation, mask: FrameMask(key: 0), length: 30_001).write(to: &header)
        expect(.messageTooBig, for: [part, header])
    }

    @Test("refuses a message of too many fragments")
    func tooMany() {
        let more = Array(repeating: Wire.frame(.continuation, "", isFinal: false), count: 8)
        let parts = [Wire.frame(.text, "", isFinal: false)] + more
        expect(.messageTooBig, for: parts)
    }

    @Test(
        "refuses close frames that the RFC doesn't know",
        arguments: [
            [0x03], [0x03, 0xEC], [0x03, 0xED], [0x03, 0xEE], [0x03, 0xF7], [0x00, 0x00], [0x0B, 0xB7], [0x13, 0x88],
        ] as [[UInt8]])
    func closeCodes(payload: [UInt8]) {
        expect(.protocolError, for: [Wire.frame(.close, bytes: payload)])
    }

    @Test("refuses a close reason that isn't UTF-8")
    func closeReason() {
        expect(.invalidPayload, for: [Wire.frame(.close, bytes: [0x03, 0xE8, 0xC0])])
    }

    @Test("inflates a compressed message of several fragments")
    func compressed() throws {
        let pool = CompressorPool(level: 6)
        let text = ByteBuffer(string: String(repeating: "every line, once, in order. ", count: 500))
        var deflated = try #require(pool.deflate(text, windowBits: 15))
        let piece = deflated.readSlice(length: 10)
        let first = try #require(piece)
        var bytes = Wire.frame(.text, bytes: Array(first.readableBytesView), isFinal: false, isCompressed: true)
        bytes.writeImmutableBuffer(Wire.frame(.ping, ""))
        bytes.writeImmutableBuffer(Wire.frame(.continuation, bytes: Array(deflated.readableBytesView)))
        #expect(try Self.events(of: bytes, in: 5, inflaters: pool) == [.ping(ByteBuffer()), .message(.text(text))])
    }

    @Test("refuses a compression bomb, and bytes that aren't compressed")
    func bomb() throws {
        let pool = CompressorPool(level: 9)
        let zeros = ByteBuffer(repeating: 0, count: 70_001)
        let deflated = try #require(pool.deflate(zeros, windowBits: 15))
        #expect(deflated.readableBytes < 200)
        let bytes = Array(deflated.readableBytesView)
        expect(.messageTooBig, for: [Wire.frame(.binary, bytes: bytes, isCompressed: true)], inflaters: pool)
        expect(.invalidPayload, for: [Wire.frame(.binary, bytes: [0xFF, 0xFF], isCompressed: true)], inflaters: pool)
    }

    private func expect(_ code: WebSocketCloseCode, for frames: [ByteBuffer], inflaters: CompressorPool? = nil) {
        var bytes = ByteBuffer()
        for frame in frames { bytes.writeImmutableBuffer(frame) }
        for piece in [1, 1000, 100_000] {
            let error = #expect(throws: WebSocketError.self) {
                _ = try Self.events(of: bytes, in: piece, inflaters: inflaters)
            }
            #expect(error?.closeCode == code)
        }
    }

    /// All events of `bytes`, given in pieces of so many.
    private static func events(
        of bytes: ByteBuffer, by role: WebSocketRole = .server, in piece: Int, inflaters: CompressorPool? = nil
    ) throws -> [Event] {
        var assembler = MessageAssembler(
            role: role, maximumSize: 70_000, maximumFragments: 8, inflaters: inflaters)
        var (bytes, events) = (bytes, [Event]())
        while var chunk = bytes.readSlice(length: min(piece, bytes.readableBytes)), chunk.readableBytes > 0 {
            while let event = try assembler.next(from: &chunk) { events.append(event) }
            #expect(chunk.readableBytes == 0)
        }
        return events
    }
}
