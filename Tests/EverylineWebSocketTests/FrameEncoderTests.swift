import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A frame encoder")
struct FrameEncoderTests {
    @Test("puts short messages into one buffer, and gives long ones out as they are")
    func buffers() {
        let texts = [10, 20, 5000, 30].map { ByteBuffer(repeating: UInt8(ascii: "x"), count: $0) }
        var sizes: [Int] = []
        FrameEncoder(role: .server, compression: nil).encode(texts, as: .text) { sizes.append($0.readableBytes) }
        #expect(sizes == [2 + 10 + 2 + 20 + 4, 5000, 2 + 30])
    }

    @Test("compresses what is long enough and gets shorter, and nothing else")
    func compresses() throws {
        let pool = CompressorPool(level: 1)
        let encoder = FrameEncoder(role: .server, compression: .init(pool: pool, windowBits: 15, threshold: 200))
        var generator = SplitMix(state: 7)
        let noise = ByteBuffer(bytes: (0..<300).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let messages = [ByteBuffer(repeating: 65, count: 199), ByteBuffer(repeating: 65, count: 200), noise]
        var bytes = ByteBuffer()
        encoder.encode(messages, as: .binary) { bytes.writeImmutableBuffer($0) }
        var flags: [Bool] = []
        while let header = try FrameHeader.read(from: &bytes, role: .client, allowsCompression: true) {
            flags.append(header.isCompressed)
            bytes.moveReaderIndex(forwardBy: header.length)
        }
        #expect(flags == [false, true, false])
    }

    @Test("cuts a close reason between characters", arguments: [("a", 123), ("ü", 122), ("€", 123), ("😀", 120)])
    func closeReason(character: String, bytes: Int) {
        let frame = CloseFrame(code: .normal, reason: String(repeating: character, count: 200))
        #expect(frame.reason.utf8.count == bytes)
        #expect(frame.payload.readableBytes <= 125)
    }
}
