@testable import EverylineAWS
@testable import EverylineWebSocket
import NIOCore

extension FuzzTarget {
    /// Compressed bytes of any kind: no more than the limit comes out, and what we compress comes back.
    static let deflate = FuzzTarget(name: "deflate") { input in
        let limit = 4096
        guard let inflater = RawInflater() else { return }
        let result = Result { () throws(WebSocketError) in try inflater.inflate(input.bytes, limit: limit) }
        let again = Result { () throws(WebSocketError) in try inflater.inflate(input.bytes, limit: limit) }
        expect(result == again, "an inflater remembers nothing")
        if case .success(let output) = result { expect(output.readableBytes <= limit, "no more than the limit") }

        for bits in [9, 12, 15] {
            guard let deflater = RawDeflater(windowBits: bits, level: 1) else { continue }
            guard let compressed = deflater.deflate(input.bytes) else { continue }
            expect(compressed.readableBytes < input.bytes.readableBytes, "compressed is shorter")
            expect(
                (try? inflater.inflate(compressed, limit: input.bytes.readableBytes)) == input.bytes,
                "a message that is compressed comes back")
        }
        for wrapping in [Zlib.Wrapping.zlib, .gzip] {
            if let output = try? Zlib.inflate(input.bytes, as: wrapping, limit: limit) {
                expect(output.readableBytes <= limit, "no more than the limit")
            }
            let compressed = Zlib.deflate(input.bytes, as: wrapping)
            let back = try? Zlib.inflate(compressed, as: wrapping, limit: input.bytes.readableBytes)
            expect(back == input.bytes, "what is compressed comes back")
            if input.bytes.readableBytes > 0 {
                expect(
                    (try? Zlib.inflate(compressed, as: wrapping, limit: input.bytes.readableBytes - 1)) == nil,
                    "a limit is one")
            }
        }
    }
}
