import Everyline
import NIOCore

// Viewers without a subprotocol, as others write them: they say nothing, are sent one event a message, count, and come
// back after what they have when something is missing or the connection ends.
extension LedgerWorld {
    func begin(plain viewer: Int, _ token: Int) {
        guard viewers[viewer].token == token, viewers[viewer].phase != .finished else { return }
        viewers[viewer].token += 1
        viewers[viewer].phase = .opening
        open(for: viewer, token: viewers[viewer].token)
    }

    func reconnect(plain viewer: Int) {
        guard viewers[viewer].phase != .finished else { return }
        hangUp(viewer)
        viewers[viewer].token += 1
        viewers[viewer].phase = .waiting
        schedule(.waited, of: viewer, token: viewers[viewer].token, after: Int64(world.random.within(500...5000)))
    }

    func take(plain message: ByteBuffer, on index: Int) {
        let viewer = links[index].viewer
        guard viewers[viewer].link == index, viewers[viewer].phase == .reading else { return }
        guard message != Self.disconnect else { return completed(plain: viewer, on: index) }
        let (execution, have) = (executions[viewers[viewer].execution], viewers[viewer].last ?? .zero)
        let events = (try? LogEvent.decode(lines: message)) ?? []
        guard events.count == 1, let event = events.first else {
            return world.require(false, .gapFree, "viewer \(viewer) gets \(events.count) events in a message")
        }
        guard var line = message.withoutID(event.offset) else {
            return world.require(false, .gapFree, "viewer \(viewer) gets \(event.offset) without its id")
        }
        line.writeStaticString("\n")
        let block = EventBlock(
            first: event.offset, last: event.offset, latest: event.timestamp, endsLog: false, bytes: line)
        world.require(
            block.matches(execution.hashes), .durableBeforeVisible,
            "viewer \(viewer) gets \(event.offset), which is not what the log holds")
        if event.offset > have.next {
            world.tell("viewer \(viewer) misses \(have.next)")
            return reconnect(plain: viewer)
        }
        guard event.offset == have.next else { return }
        world.tell("viewer \(viewer) has \(event.offset)")
        viewers[viewer].last = event.offset
    }

    /// It is told that everything has been sent. That a message before was lost it can't see, so it asks for the log's
    /// end.
    private func completed(plain viewer: Int, on index: Int) {
        let (execution, have) = (executions[viewers[viewer].execution], viewers[viewer].last ?? .zero)
        let end = execution.head.log.offset
        world.tell("viewer \(viewer) has the end")
        world.require(execution.isEnded, .end, "viewer \(viewer) was told of an end that the log doesn't hold")
        world.require(
            have.next == end || links[index].hasLost, .gapFree,
            "viewer \(viewer) is told that it has all, and has got up to \(have) of \(end)")
        viewers[viewer].last = end
        hangUp(viewer)
        finish(viewer)
    }

    static let disconnect = ByteBuffer(string: #"{"type":"disconnect","reason":"execution_completed"}"#)
}

extension ByteBuffer {
    /// An event's line as the log holds it, without the id that it is sent under; `nil` if it has none, or another.
    func withoutID(_ offset: Offset) -> ByteBuffer? {
        withUnsafeReadableBytes { bytes in
            let tail = bytes.count - (bytes.hasSuffix(",\"partial\":true}") ? 16 : 1)
            let id = Array(",\"event_id\":\"\(offset)\"".utf8)
            let start = tail - id.count
            guard start > 0, bytes[start..<tail].elementsEqual(id) else { return nil }
            var line = ByteBuffer()
            line.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<start]))
            line.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[tail...]))
            return line
        }
    }
}
