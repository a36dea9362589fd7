import NIOCore

/// The four bytes that a client's payload is combined with.
struct FrameMask: Hashable, Sendable {
    /// The bytes in the order of the wire, as a big-endian number.
    let key: UInt32

    static func random() -> FrameMask {
        FrameMask(key: UInt32.random(in: .min ... .max))
    }

    /// Masks or unmasks (it is the same) `bytes`, which start `offset` bytes into the payload.
    func apply(to bytes: UnsafeMutableRawBufferPointer, offset: Int) {
        let shift = UInt32(offset & 3) * 8
        let rotated = shift == 0 ? key : key << shift | key >> (32 - shift)
        let word = (UInt64(rotated) << 32 | UInt64(rotated)).bigEndian
        let count = bytes.count
        var index = 0
        while index + 32 <= count {
            for step in stride(from: index, to: index + 32, by: 8) {
                let masked = bytes.loadUnaligned(fromByteOffset: step, as: UInt64.self) ^ word
                bytes.storeBytes(of: masked, toByteOffset: step, as: UInt64.self)
            }
            index += 32
        }
        while index + 8 <= count {
            let masked = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
            bytes.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < count {
            bytes[index] ^= UInt8(truncatingIfNeeded: rotated >> (24 - UInt32(index & 3) * 8))
            index += 1
        }
    }
}

extension ByteBuffer {
    /// Masks or unmasks the last `count` readable bytes, which start `offset` bytes into the payload.
    mutating func mask(last count: Int, with mask: FrameMask, offset: Int) {
        withUnsafeMutableReadableBytes { bytes in
            let tail = UnsafeMutableRawBufferPointer(rebasing: bytes[(bytes.count - count)...])
            mask.apply(to: tail, offset: offset)
        }
    }
}
