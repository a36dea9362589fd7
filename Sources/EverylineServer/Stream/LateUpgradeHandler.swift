import NIOCore
import NIOHTTP1

/// Makes a request for an upgrade the last of its connection, where that has become an HTTP connection by an earlier request.
///
/// Such a request is answered by the router, with 426. But the parser stops behind it, since something else than HTTP might
/// follow: another request on the connection would never be answered. So the connection ends, and the client, often a pool
/// that took a used connection, has to make a new one.
final class LateUpgradeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = Self.unwrapInboundIn(data), head.headers.contains(name: "Upgrade") else {
            return context.fireChannelRead(data)
        }
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
    }
}
