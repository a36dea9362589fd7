import NIOCore
import NIOPosix

@testable import EverylineWebSocket

/// A peer that says whatever it likes, byte by byte.
struct RawPeer: ~Copyable {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ByteBuffer()

    /// Connects, and hangs up when `body` is done.
    static func connect(to port: Int, body: (inout RawPeer) async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            var peer = RawPeer(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            try await body(&peer)
        }
    }

    private init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await outbound.write(bytes)
    }

    /// Shakes hands as a WebSocket client.
    mutating func upgrade(_ fields: String = "") async throws -> String {
        try await send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(fields)"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        return try await head()
    }

    /// The head of an HTTP response.
    mutating func head() async throws -> String {
        while true {
            if let end = HTTPHead.end(in: received, searched: 0) { return received.readString(length: end) ?? "" }
            guard try await more() else { return "" }
        }
    }

    mutating func read(_ count: Int) async throws -> String {
        while received.readableBytes < count, try await more() {}
        return received.readString(length: min(count, received.readableBytes)) ?? ""
    }

    /// The next frame of the server; `nil` at the end.
    mutating func frame() async throws -> (FrameHeader, ByteBuffer)? {
        while true {
            let start = received.readerIndex
            if let header = try FrameHeader.read(from: &received, role: .client, allowsCompression: true) {
                if let payload = received.readSlice(length: header.length) { return (header, payload) }
                received.moveReaderIndex(to: start)
            }
            guard try await more() else { return nil }
        }
    }

    /// Everything up to the end of the connection.
    mutating func rest() async throws -> ByteBuffer {
        while try await more() {}
        defer { received.clear() }
        return received
    }

    /// The close frame that the server sends next, and then hangs up.
    mutating func close() async throws -> CloseFrame? {
        while let (header, payload) = try await frame() {
            guard header.opcode == .close else { continue }
            let rest = try await rest()
            return rest.readableBytes == 0 ? try CloseFrame(payload: payload) : nil
        }
        return nil
    }

    private mutating func more() async throws -> Bool {
        guard var bytes = try await inbound.next() else { return false }
        received.writeBuffer(&bytes)
        return true
    }
}
