import AsyncHTTPClient
import Everyline
import EverylineClient
import NIOCore

/// A stream of server-sent events, as a tail reads it: the data of whole events, which are the log's lines.
struct EventStreamTailConnection: TailConnection {
    private var body: HTTPClientResponse.Body.AsyncIterator
    private var rest = ByteBuffer()

    init(_ body: HTTPClientResponse.Body) { self.body = body.makeAsyncIterator() }

    mutating func next() async throws -> TailReading {
        do {
            while let bytes = try await body.next() {
                rest.writeImmutableBuffer(bytes)
                let lines = takeLines()
                if lines.readableBytes > 0 { return .message(lines) }
            }
            try Task.checkCancellation()
            return .closed(code: 1000, reason: "")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try Task.checkCancellation()
            return .lost("\(error)")
        }
    }

    /// The body's connection is closed when its reader is let go of.
    func close() {}

    /// The data of the events that are whole, each with a newline. A comment is a sign of life and nothing else.
    private mutating func takeLines() -> ByteBuffer {
        var lines = ByteBufferAllocator().buffer(capacity: rest.readableBytes)
        let length = rest.withUnsafeReadableBytes { bytes in
            var position = 0
            while let end = bytes.firstNewline(from: position) {
                var start = position
                if EventLinePrefix.skip("data: ", in: bytes, &start, end) {
                    lines.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start...end]))
                }
                position = end + 1
            }
            return position
        }
        rest.moveReaderIndex(forwardBy: length)
        rest.discardReadBytes()
        return lines
    }
}
