import NIOCore
import Testing

@testable import EverylineCanary

@Suite("A numbered line") struct NumberedLineTests {
    private func text(_ line: NumberedLine, length: Int = 64, seed: UInt64 = 7) -> ByteBuffer {
        var buffer = ByteBuffer()
        line.write(to: &buffer, length: length, seed: seed)
        return buffer
    }

    private func read(_ text: ByteBuffer, seed: UInt64 = 7) -> NumberedLine? {
        text.withUnsafeReadableBytes { NumberedLine($0, seed: seed) }
    }

    @Test(
        "is read as it was written, and has the length that was asked for",
        arguments: [1, 25, 999_999_999], [48, 1000])
    func roundTrip(number: UInt64, length: Int) {
        let line = NumberedLine(number: number, time: 1_763_500_000_123_456)
        #expect(text(line, length: length).readableBytes == length)
        #expect(read(text(line, length: length)) == line)
    }

    @Test("is known as another one by any byte that is changed")
    func changes() {
        let right = text(NumberedLine(number: 41, time: 1_763_500_000_123_456))
        for index in 0..<right.readableBytes {
            var wrong = right
            wrong.setInteger(right.getInteger(at: index, as: UInt8.self)! ^ 1, at: index)
            #expect(read(wrong) == nil)
        }
        #expect(read(right, seed: 8) == nil)
        #expect(read(ByteBuffer()) == nil)
    }
}
