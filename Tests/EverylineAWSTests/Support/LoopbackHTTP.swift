import EverylineAWS
import NIOCore
import NIOHTTP1
import NIOPosix

/// A server on this machine that answers every request alike, or never.
final class LoopbackHTTP: Sendable {
    enum Behaviour: Sendable {
        case answer(HTTPResponseStatus, body: ByteBuffer)
        case silence
        case hangUp
    }

    let endpoint: AWSEndpoint
    private let channel: any Channel

    init(_ behaviour: Behaviour) async throws {
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).childChannelInitializer {
            channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                try channel.pipeline.syncOperations.addHandler(Handler(behaviour))
            }
        }
        channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        endpoint = AWSEndpoint(scheme: "http", host: "127.0.0.1", port: channel.localAddress?.port)
    }

    func close() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let behaviour: Behaviour

        init(_ behaviour: Behaviour) { self.behaviour = behaviour }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            switch behaviour {
            case .silence: break
            case .hangUp: context.close(promise: nil)
            case .answer(let status, let body):
                let headers: HTTPHeaders = [
                    "Content-Length": "\(body.readableBytes)", "x-amzn-RequestId": "R1",
                ]
                let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
