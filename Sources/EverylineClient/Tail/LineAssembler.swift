import Everyline
import NIOCore

/// Cuts a stream of bytes at newlines: hands out whole lines and keeps the rest, up to a limit.
struct LineAssembler {
    private let limit: ByteCount
    private var rest = ByteBuffer()

    init(limit: ByteCount) { self.limit = limit }

    /// Whether what is kept is a line that may still end.
    var isWithinLimit: Bool { rest.readableBytes <= limit }

    /// Whether something stands behind the last newline.
    var isWithinLine: Bool { rest.readableBytes > 0 }

    /// The whole lines up to the last newline, without it; `nil` if there is no newline yet.
    mutating func add(_ bytes: ByteBuffer) -> ByteBuffer? {
        let length = bytes.readableBytesView.lastIndex(of: UInt8(ascii: "\n")).map { $0 - bytes.readerIndex }
        guard let length, let head = bytes.getSlice(at: bytes.readerIndex, length: length) else {
            rest.writeImmutableBuffer(bytes)
            return nil
        }
        let remainder =
            bytes.getSlice(
                at: bytes.readerIndex + length + 1, length: bytes.readableBytes - length - 1) ?? ByteBuffer()
        guard rest.readableBytes > 0 else {
            rest = ByteBuffer(remainder)
            return head
        }
        var whole = rest
        whole.writeImmutableBuffer(head)
        rest = ByteBuffer(remainder)
        return whole
    }
}

extension ByteBuffer {
    /// A copy that holds on to nothing else.
    fileprivate init(_ slice: ByteBuffer) { self.init(bytes: slice.readableBytesView) }
}
