import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A frame's mask")
struct FrameMaskTests {
    @Test("combines every byte with its byte of the key", arguments: 0..<8)
    func bytewise(offset: Int) {
        let mask = FrameMask(key: 0xA1B2_C3D4)
        let key: [UInt8] = [0xA1, 0xB2, 0xC3, 0xD4]
        for count in [0, 1, 3, 4, 7, 8, 9, 31, 32, 33, 67, 1000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let expected = bytes.enumerated().map { $0.element ^ key[($0.offset + offset) % 4] }
            var buffer = ByteBuffer(bytes: [9, 9, 9] + bytes)
            buffer.mask(last: count, with: mask, offset: offset)
            #expect(Array(buffer.readableBytesView) == [9, 9, 9] + expected)
        }
    }
}
