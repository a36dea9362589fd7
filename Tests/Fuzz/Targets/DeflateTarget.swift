@testable import EverylineWebSocket
import EverylineDeflate
import NIOCore

extension FuzzTarget {
    /// Compressed bytes of any kind: no more than the limit comes out, and what we compress comes back.
    static let deflate = FuzzTarget(name: "deflate") { input in
        let limit = 4096
        guard let inflater = try? Inflater(.raw(windowBits: 15)) else { return }
        let result = Result { () throws(WebSocketError) in try inflater.message(input.bytes, limit: limit) }
        let again = Result { () throws(WebSocketError) in try inflater.message(input.bytes, limit: limit) }
        expect(result == again, "an inflater remembers nothing")
        if case .success(let output) = result { expect(output.readableBytes <= limit, "no more than the limit") }

        for bits in [9, 12, 15] {
            guard let deflater = try? Deflater(.raw(windowBits: bits), level: 1) else { continue }
            guard let compressed = deflater.message(input.bytes) else { continue }
            expect(compressed.readableBytes < input.bytes.readableBytes, "compressed is shorter")
            expect(
                (try? inflater.message(compressed, limit: input.bytes.readableBytes)) == input.bytes,
                "a message that is compressed comes back")
        }
        for wrapping in [DeflateFormat.zlib, .gzip] {
            if let output = try? input.bytes.inflated(as: wrapping, limit: limit) {
                expect(output.readableBytes <= limit, "no more than the limit")
            }
            let compressed = input.bytes.deflated(as: wrapping)
            let back = try? compressed.inflated(as: wrapping, limit: input.bytes.readableBytes)
            expect(back == input.bytes, "what is compressed comes back")
            if input.bytes.readableBytes > 0 {
                expect(
                    (try? compressed.inflated(as: wrapping, limit: input.bytes.readableBytes - 1)) == nil,
                    "a limit is one")
            }
        }
    }
}
