import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A frame header")
struct FrameHeaderTests {
    @Test("is read as it was written", arguments: [0, 1, 125, 126, 65_535, 65_536, 1 << 40])
    func roundTrip(length: Int) throws {
        let mask = FrameMask(key: 0x0102_0304)
        for header in [
            FrameHeader(opcode: .text, mask: mask, length: length),
            FrameHeader(isFinal: false, isCompressed: true, opcode: .binary, mask: mask, length: length),
        ] {
            var buffer = ByteBuffer()
            header.write(to: &buffer)
            #expect(buffer.readableBytes <= FrameHeader.maximumSize)
            #expect(try FrameHeader.read(from: &buffer, role: .server, allowsCompression: true) == header)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test("isn't read before all of it is there, and takes nothing then")
    func partial() throws {
        var whole = ByteBuffer()
        FrameHeader(opcode: .text, mask: FrameMask(key: 1), length: 70_000).write(to: &whole)
        for count in 0..<whole.readableBytes {
            var part = try #require(whole.getSlice(at: 0, length: count))
            #expect(try FrameHeader.read(from: &part, role: .server, allowsCompression: false) == nil)
            #expect(part.readableBytes == count)
        }
    }

    @Test(
        "that breaks a rule is refused by its first two bytes",
        arguments: [
            [0x83, 0x80], [0x8B, 0x80], [0x8F, 0x80],  // reserved opcodes
            [0x91, 0x80], [0xA1, 0x80], [0xC1, 0x80],  // reserved bits
            [0x81, 0x00],  // not masked
            [0x89, 0xFE], [0x88, 0xFF], [0x09, 0x80],  // long and fragmented control frames
        ] as [[UInt8]])
    func refused(bytes: [UInt8]) {
        expectViolation(bytes, allowsCompression: false)
    }

    @Test(
        "says it is compressed only where a compressed message begins",
        arguments: [[0xC0, 0x80], [0xC9, 0x80]] as [[UInt8]])
    func misplacedCompression(bytes: [UInt8]) {
        expectViolation(bytes, allowsCompression: true)
    }

    @Test(
        "with a length that isn't the shortest is refused",
        arguments: [
            [0x81, 0xFE, 0, 125, 0, 0, 0, 0],
            [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0],
            [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0],
        ] as [[UInt8]])
    func length(bytes: [UInt8]) {
        expectViolation(bytes, allowsCompression: false)
    }

    @Test("of a server isn't masked")
    func maskedServer() {
        #expect(throws: WebSocketError.protocolViolation("a masked frame from a server")) {
            var buffer = ByteBuffer(bytes: [0x81, 0x80])
            _ = try FrameHeader.read(from: &buffer, role: .client, allowsCompression: false)
        }
    }

    private func expectViolation(_ bytes: [UInt8], allowsCompression: Bool) {
        let error = #expect(throws: WebSocketError.self) {
            var buffer = ByteBuffer(bytes: bytes)
            _ = try FrameHeader.read(from: &buffer, role: .server, allowsCompression: allowsCompression)
        }
        #expect(error?.closeCode == .protocolError)
    }
}
