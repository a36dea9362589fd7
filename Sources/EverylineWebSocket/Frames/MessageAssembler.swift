import NIOCore

/// Turns a peer's bytes, however they are cut, into its messages and control frames. Pure: no channel, no clock.
///
/// Nothing is kept between messages but the state. A violation is thrown as early as it shows, and is final.
struct MessageAssembler {
    enum Event: Hashable {
        case message(WebSocketMessage)
        case ping(ByteBuffer)
        case pong
        case close(CloseFrame)
    }

    private enum State {
        /// Before a frame. `head` is what has come of its header.
        case header(head: ByteBuffer?)
        case payload(FrameHeader, taken: Int)
    }

    private let role: WebSocketRole
    private let maximumSize: Int
    private let maximumFragments: Int
    private let inflaters: CompressorPool?
    private var state = State.header(head: nil)
    private var message: PartialMessage?
    private var control = ByteBuffer()

    /// - Parameters:
    ///   - role: which end this is; the peer is the other one.
    ///   - inflaters: `nil` unless permessage-deflate was negotiated.
    init(role: WebSocketRole, maximumSize: Int, maximumFragments: Int, inflaters: CompressorPool?) {
        self.role = role
        self.maximumSize = maximumSize
        self.maximumFragments = maximumFragments
        self.inflaters = inflaters
    }

    /// What comes next in `chunk`; `nil` when all of it was taken and more is needed.
    mutating func next(from chunk: inout ByteBuffer) throws(WebSocketError) -> Event? {
        while true {
            switch state {
            case .header(let head):
                guard let header = try readHeader(head, from: &chunk) else { return nil }
                try begin(header)
                state = .payload(header, taken: 0)
            case .payload(let header, let taken):
                let count = min(header.length - taken, chunk.readableBytes)
                if let piece = chunk.readSlice(length: count), count > 0 {
                    try take(piece, of: header, offset: taken)
                }
                guard taken + count == header.length else {
                    state = .payload(header, taken: taken + count)
                    return nil
                }
                state = .header(head: nil)
                if let event = try finish(header) { return event }
            }
        }
    }

    private mutating func readHeader(
        _ head: ByteBuffer?, from chunk: inout ByteBuffer
    ) throws(WebSocketError) -> FrameHeader? {
        guard var head else {
            let header = try FrameHeader.read(from: &chunk, role: role, allowsCompression: inflaters != nil)
            if header == nil && chunk.readableBytes > 0 {
                state = .header(head: ByteBuffer(bytes: chunk.readableBytesView))
                chunk.moveReaderIndex(to: chunk.writerIndex)
            }
            return header
        }
        let count = min(FrameHeader.maximumSize - head.readableBytes, chunk.readableBytes)
        guard let more = chunk.readSlice(length: count) else { return nil }
        head.writeImmutableBuffer(more)
        guard let header = try FrameHeader.read(from: &head, role: role, allowsCompression: inflaters != nil) else {
            state = .header(head: head)
            return nil
        }
        // What was taken too much is the payload's.
        chunk.moveReaderIndex(to: chunk.readerIndex - head.readableBytes)
        return header
    }

    /// Judges a frame by what came before it and by the limits.
    private mutating func begin(_ header: FrameHeader) throws(WebSocketError) {
        guard !header.opcode.isControl else { return }
        var message: PartialMessage
        switch (header.opcode, self.message) {
        case (.continuation, nil): throw .protocolViolation("a continuation of nothing")
        case (.continuation, let begun?): message = begun
        case (_, nil): message = PartialMessage(header: header)
        case (_, _?): throw .protocolViolation("a new message inside another")
        }
        // A compressed message may be a little longer than what it holds.
        let limit = message.isCompressed ? maximumSize + maximumSize / 64 + 64 : maximumSize
        guard header.length <= limit - message.bytes.readableBytes, message.fragments < maximumFragments else {
            throw .messageTooBig(limit: maximumSize)
        }
        message.beginFragment()
        self.message = message
    }

    private mutating func take(
        _ piece: ByteBuffer, of header: FrameHeader, offset: Int
    ) throws(WebSocketError) {
        if header.opcode.isControl {
            control.writeImmutableBuffer(piece)
            if let mask = header.mask { control.mask(last: piece.readableBytes, with: mask, offset: offset) }
        } else {
            try message?.append(piece, of: header, offset: offset)
        }
    }

    private mutating func finish(_ header: FrameHeader) throws(WebSocketError) -> Event? {
        guard header.opcode.isControl else {
            guard header.isFinal, let message else { return nil }
            self.message = nil
            let (inflaters, limit) = (inflaters, maximumSize)
            return .message(
                try message.finish { (bytes) throws(WebSocketError) in
                    guard let inflaters else { throw .protocolViolation("a compressed message") }
                    return try inflaters.inflate(bytes, limit: limit)
                })
        }
        let payload = control
        control = ByteBuffer()
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong
        default: return .close(try CloseFrame(payload: payload))
        }
    }
}
