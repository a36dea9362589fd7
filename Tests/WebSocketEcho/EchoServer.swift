import EverylineWebSocket
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemPackage

/// Accepts every WebSocket connection, as a server of Everyline's does, until it is killed.
struct EchoServer {
    let configuration: WebSocketConfiguration

    func run() async throws {
        let gate = WebSocketUpgradeGate<Void>(configuration: configuration) { _ in .accept((), subprotocol: nil) }
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    gate.install(on: channel) { $0.close() }
                }
            }
        // Not `print`: its text would wait in a buffer.
        try FileDescriptor.standardOutput.writeAll("\(server.channel.localAddress?.port ?? 0)\n".utf8)
        try await server.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { connections in
                for try await result in inbound {
                    connections.addTask {
                        // A handshake that fails is answered by the gate.
                        guard case .webSocket(let connection, _)? = try? await result.get() else { return }
                        await Echo.answer(connection)
                    }
                }
            }
        }
    }
}
