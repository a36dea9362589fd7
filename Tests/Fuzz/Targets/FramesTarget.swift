@testable import EverylineWebSocket
import NIOCore

extension FuzzTarget {
    /// WebSocket frames: pieces give what the whole gives, messages keep their limits, and what we send is read as it
    /// was.
    ///
    /// The first byte says which side reads, and whether compression was agreed on.
    static let frames = FuzzTarget(name: "frames") { input in
        var bytes = input.bytes
        guard let options = bytes.readInteger(as: UInt8.self) else { return }
        let role: WebSocketRole = options & 1 == 0 ? .server : .client
        let isCompressed = options & 2 != 0
        var whole = FrameReader(role: role, isCompressed: isCompressed)
        whole.read(bytes)
        var parts = FrameReader(role: role, isCompressed: isCompressed)
        for piece in FuzzInput.pieces(of: bytes, using: input.generator) { parts.read(piece) }
        expect(parts.events == whole.events, "pieces give the same messages as the whole")
        expect(parts.error == whole.error, "pieces fail as the whole does: \(String(describing: parts.error))")
        checkRoundTrip(bytes, from: role, isCompressed: isCompressed)
    }

    private static func checkRoundTrip(_ bytes: ByteBuffer, from role: WebSocketRole, isCompressed: Bool) {
        let compression = FrameEncoder.Compression(pool: FrameReader.pool, windowBits: 15, threshold: 0)
        let encoder = FrameEncoder(role: role, compression: isCompressed ? compression : nil)
        let payloads = [bytes, ByteBuffer(), bytes].filter { $0.readableBytes <= FrameReader.limit }
        var reader = FrameReader(role: role == .server ? .client : .server, isCompressed: isCompressed)
        encoder.encode(payloads, as: .binary) { reader.read($0) }
        reader.read(encoder.control(.ping, ByteBuffer(bytes: bytes.readableBytesView.prefix(125))))
        expect(reader.error == nil, "what we send can be read: \(String(describing: reader.error))")
        expect(
            reader.events
                == payloads.map { .message(.binary($0)) }
                + [.ping(ByteBuffer(bytes: bytes.readableBytesView.prefix(125)))], "what we send is read as it was")
    }
}

/// Takes all that comes and keeps what it means, until something is wrong with it.
private struct FrameReader {
    static let limit = 4096
    static let pool = CompressorPool(level: 1)

    private(set) var events: [MessageAssembler.Event] = []
    private(set) var error: WebSocketError?
    private var assembler: MessageAssembler

    init(role: WebSocketRole, isCompressed: Bool) {
        assembler = MessageAssembler(
            role: role, maximumSize: Self.limit, maximumFragments: 16, inflaters: isCompressed ? Self.pool : nil)
    }

    mutating func read(_ bytes: ByteBuffer) {
        guard error == nil else { return }
        var bytes = bytes
        do {
            while let event = try assembler.next(from: &bytes) {
                check(event)
                events.append(event)
            }
            expect(bytes.readableBytes == 0, "all of it is taken")
        } catch {
            self.error = error
        }
    }

    private func check(_ event: MessageAssembler.Event) {
        switch event {
        case .message(let message):
            expect(message.bytes.readableBytes <= Self.limit, "no message is longer than its limit")
            guard case .text(let text) = message else { return }
            expect(String(validating: text.readableBytesView, as: UTF8.self) != nil, "text is UTF-8")
        case .ping(let payload):
            expect(payload.readableBytes <= 125, "a control frame is short")
        case .pong: break
        case .close(let frame):
            expect(frame.code == nil || frame.code?.mayBeSent == true, "a close code may be sent")
            let again = try? CloseFrame(payload: frame.payload)
            expect(again == frame, "a close frame that is written and read is itself")
        }
    }
}
