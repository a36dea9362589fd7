import Everyline
import HTTPTypes
import Hummingbird
import NIOCore

/// Stands before TLS on a port that speaks it, and answers a client that speaks plain HTTP there: in plain HTTP, that
/// this is the wrong scheme. It looks at the first byte alone: a TLS record begins with none of a method's.
final class PlainRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var hasAnswered = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        guard let first = unwrapInboundIn(data).readableBytesView.first, Self.isLetter(first) else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            return
        }
        hasAnswered = true
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [channel = context.channel] _ in
            channel.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(Self.answer()), promise: written)
    }

    private static func answer() -> ByteBuffer {
        let problem = ProblemError(.invalidRequest, "This port speaks TLS: its address begins with https.")
        var (head, body) = Problems.answer(problem, requestID: "\(RequestID())")
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.connection] = "close"
        var answer = ByteBuffer(string: "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n")
        for field in head.headerFields { answer.writeString("\(field.name): \(field.value)\r\n") }
        answer.writeStaticString("\r\n")
        answer.writeBuffer(&body)
        return answer
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
