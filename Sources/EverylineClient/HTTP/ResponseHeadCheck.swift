import Everyline
import NIOCore
import NIOHTTP1

/// Gives up a connection on which something answers that isn't HTTP, before AsyncHTTPClient has it: that ends the
/// process at a status below 100, and waits for ever where one interim answer follows the other.
final class ResponseHeadCheck: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    /// How many interim answers (1xx) may come before the answer.
    static let interimLimit = 100

    private var interimCount = 0
    private var isGivenUp = false

    /// Adds the check to a connection of an `HTTPClient`, behind what reads HTTP.
    static func add(to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(ResponseHeadCheck(), position: .after(decoder))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isGivenUp else { return }
        if case .head(let head) = unwrapInboundIn(data) {
            interimCount = (100..<200).contains(head.status.code) ? interimCount + 1 : 0
            isGivenUp = head.status.code < 100 || interimCount > Self.interimLimit
        }
        guard isGivenUp else { return context.fireChannelRead(data) }
        context.fireErrorCaught(ClientError.unexpectedAnswer("an answer that is not HTTP"))
        context.close(promise: nil)
    }
}
