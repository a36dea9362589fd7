import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("permessage-deflate")
struct PerMessageDeflateTests {
    @Test(
        "is accepted without context takeover, with the window that the client wants",
        arguments: [
            ("permessage-deflate", 15, ""),
            ("permessage-deflate; client_max_window_bits", 15, ""),
            ("permessage-deflate; client_max_window_bits=10; server_no_context_takeover", 15, ""),
            ("permessage-deflate; server_max_window_bits=10", 10, "; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=\"9\"", 9, "; server_max_window_bits=9"),
            ("x-other, permessage-deflate; unknown, Permessage-Deflate", 15, ""),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate", 8, "; server_max_window_bits=8"),
        ])
    func accepted(offer: String, bits: Int, parameters: String) throws {
        let (agreed, answer) = try #require(PerMessageDeflate.accept([offer]))
        #expect(agreed.windowBits == bits)
        #expect(agreed.canCompress == (bits > 8))
        #expect(answer == "permessage-deflate; server_no_context_takeover; client_no_context_takeover" + parameters)
    }

    @Test(
        "isn't accepted with unknown parameters",
        arguments: [
            "", "x-other", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010", "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9", "permessage-deflate;",
            "permessage-deflate; client_max_window_bits=x", "permessage deflate",
        ])
    func declined(offer: String) {
        #expect(PerMessageDeflate.accept([offer]) == nil)
    }

    @Test("is agreed on by a server that forgets its window")
    func agreed() throws {
        #expect(try PerMessageDeflate.agree([]) == nil)
        let answers = ["permessage-deflate; server_no_context_takeover; client_max_window_bits=10"]
        #expect(try PerMessageDeflate.agree(answers)?.windowBits == 10)
    }

    @Test(
        "isn't agreed on otherwise",
        arguments: [
            "permessage-deflate", "x-other", "permessage-deflate; server_no_context_takeover; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
        ])
    func notAgreed(answer: String) {
        #expect(throws: WebSocketError.handshakeInvalid("an extension that wasn't offered")) {
            try PerMessageDeflate.agree([answer])
        }
    }

    @Test("gives back what was compressed, with any window and size", arguments: 9...15)
    func roundTrip(bits: Int) throws {
        let pool = CompressorPool(level: 1)
        var generator = SplitMix(state: UInt64(bits))
        for size in [1, 10, 200, 5000, 70_000, 1 << 20] {
            // Somewhat random: every window and block type is used.
            let words = (0..<max(1, size / 4)).map { _ in "\(Int.random(in: 0...9999, using: &generator)) " }
            let message = ByteBuffer(string: words.joined())
            guard let deflated = pool.deflate(message, windowBits: bits) else {
                #expect(size < 100)
                continue
            }
            #expect(try pool.inflate(deflated, limit: message.readableBytes) == message)
        }
    }

    @Test("inflates to its limit and not a byte further")
    func limit() throws {
        let pool = CompressorPool(level: 9)
        let deflated = try #require(pool.deflate(ByteBuffer(repeating: 1, count: 10_000), windowBits: 15))
        #expect(try pool.inflate(deflated, limit: 10_000).readableBytes == 10_000)
        #expect(throws: WebSocketError.messageTooBig(limit: 9_999)) { try pool.inflate(deflated, limit: 9_999) }
    }

    @Test("reads the RFC's examples: plain, stored, final and two blocks, and an empty message")
    func examples() throws {
        let pool = CompressorPool(level: 1)
        let examples: [[UInt8]] = [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ]
        for example in examples {
            #expect(try pool.inflate(ByteBuffer(bytes: example), limit: 5) == ByteBuffer(string: "Hello"))
        }
        #expect(try pool.inflate(ByteBuffer(bytes: [0x00]), limit: 5) == ByteBuffer())
        #expect(try pool.inflate(ByteBuffer(), limit: 0) == ByteBuffer())
    }
}
