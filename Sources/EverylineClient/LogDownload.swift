import AsyncHTTPClient
public import Everyline
public import NIOCore

/// The log of an execution that has ended, as it comes: with back-pressure, never as a whole in memory.
///
/// It proves nothing by itself: a caller that must know that all of it came uses ``ResumingTail``, or checks the
/// offsets. It can be read once.
public struct LogDownload: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// The offset of the last event in the body, where the server says it.
    public let lastOffset: Offset?
    /// Where the rest begins, if the server gives less than was asked for in one answer.
    public let nextAfter: Offset?
    /// Changes if the body would.
    public let entityTag: String?
    /// Of the server's data; `nil` from a server that tells none apart.
    public let incarnation: Incarnation?
    let body: HTTPClientResponse.Body

    public func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        var body: HTTPClientResponse.Body.AsyncIterator

        /// The next bytes, cut anywhere.
        public mutating func next() async throws -> ByteBuffer? {
            do {
                let bytes = try await body.next()
                // A body whose reader was cancelled looks complete, and isn't.
                if bytes == nil { try Task.checkCancellation() }
                return bytes
            } catch {
                throw HTTPTransport.translate(error)
            }
        }
    }
}

/// What the logs endpoint has: the log itself once the execution has ended, before that where to follow it.
public enum LogResponse: Sendable {
    case ended(LogDownload)
    case running(LogLocation)
}
