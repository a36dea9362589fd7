package import NIOCore

/// A message to a viewer that speaks `everyline.v1` where no process owns its connection: what tells it whether the
/// message is meant for it, before what is in it.
///
/// A sender that has lost its right can send one more block. The viewer knows it by its generation; and should the
/// gateway ever give one connection's id to another viewer, by its execution.
package enum GatewayFrame: Sendable, Equatable {
    /// `{"type":"block","gen":1,"start":41,"execution":"01hv…"}`, a newline, and event lines joined by newlines.
    /// `start` is where the generation began: a viewer that asked for a time learns from it what its first event should
    /// be.
    case block(generation: UInt64, start: Offset, execution: ExecutionID, lines: ByteBuffer)
    /// `{"type":"resumed","gen":1,"head":57}`: the resumption of this generation holds; the log's head is there.
    case resumed(generation: UInt64, head: Offset)
    /// Anything else that stands in a stream: a heartbeat, which is the answer to a ping, or a notice.
    case control(ByteBuffer)

    /// The longest head line of a block, with its newline.
    package static let maximumOverhead: ByteCount = 160

    package var message: ByteBuffer {
        switch self {
        case .block(let generation, let start, let execution, let lines):
            var buffer = ByteBufferAllocator().buffer(capacity: lines.readableBytes + Self.maximumOverhead)
            buffer.writeStaticString("{\"type\":\"block\",\"gen\":")
            buffer.writeDecimal(Int64(clamping: generation))
            buffer.writeStaticString(",\"start\":")
            buffer.writeDecimal(Int64(start.rawValue))
            buffer.writeStaticString(",\"execution\":\"")
            buffer.writeString(execution.rawValue)
            buffer.writeStaticString("\"}\n")
            buffer.writeImmutableBuffer(lines)
            return buffer
        case .resumed(let generation, let head):
            return ByteBuffer(string: "{\"type\":\"resumed\",\"gen\":\(generation),\"head\":\(head)}")
        case .control(let line):
            return line
        }
    }

    package static func heartbeat(head: Offset, in incarnation: Incarnation? = nil) -> GatewayFrame {
        .control(StreamEncoding.blocks.heartbeat(head: head, in: incarnation) ?? ByteBuffer())
    }

    /// Reads a message. What is no block and no `resumed` is `control`: the client decides what it means.
    package init(_ message: ByteBuffer) {
        var lines = message
        let fields = message.withUnsafeReadableBytes { bytes -> FlatObject? in
            let end = bytes.firstNewline(from: 0) ?? bytes.count
            lines.moveReaderIndex(forwardBy: min(end + 1, bytes.count))
            return try? FlatObject(
                UnsafeRawBufferPointer(rebasing: bytes[..<end]), words: ["type", "execution"],
                numbers: ["gen", "start", "head"])
        }
        let generation = fields?.number("gen")
        if fields?.word("type") == "block", let generation, let start = fields?.offset("start"),
            let execution = fields?.word("execution").flatMap({ ExecutionID($0) })
        {
            self = .block(generation: generation, start: start, execution: execution, lines: lines)
        } else if fields?.word("type") == "resumed", let generation, let head = fields?.offset("head") {
            self = .resumed(generation: generation, head: head)
        } else {
            self = .control(message)
        }
    }
}
