import Everyline
import EverylineAWS
import NIOCore

// The gateway: what functions post to viewers, and what viewers say to functions.
extension LedgerWorld {
    func post(_ message: ByteBuffer, to name: Int, by process: SimulatedProcess) -> PostResult {
        let index = linkOf[name]
        guard let (viewer, _) = process.locks[name] else {
            // The answer to what a viewer said.
            if links[index].state == .open, links[index].unread <= 3 { accept(message, on: index) }
            return .accepted
        }
        let number = number(of: viewer.execution)
        guard let block = SentBlock(message, end: executions[number].head.log) else {
            world.require(false, .durableBeforeVisible, "c\(name) is posted what is no block")
            return .failed
        }
        world.require(
            block.matches(executions[number].hashes), .durableBeforeVisible,
            "worker \(process.number) posts \(block.first)…\(block.last), which is not what the log holds")
        if world.mutation == .postBeforeCommit { advanceEarly(process, past: block, name, number) }
        guard links[index].state == .open else {
            if links[index].state == .connecting { world.note(.notYetConnected) }
            return .gone
        }
        if links[index].unread > 3 || world.injects(.throttled, 15) {
            if links[index].unread > 3 { world.note(.throttled) }
            return .throttled
        }
        // A block that goes as several messages may be cut off between two of them.
        if viewer.encoding == .lines, process.posted.contains(name), world.injects(.partialPost, 250) { return .failed }
        process.posted.insert(name)
        world.tell(
            "worker \(process.number) posts \(block.first)…\(block.last) of \(executions[number].id), generation "
                + "\(viewer.generation), to c\(name)")
        // What it posts rightfully follows what was posted under the same resumption.
        if links[index].execution == number, links[index].generation == viewer.generation,
            viewer.fence == records[name][number]?.fence
        {
            world.require(
                block.first <= links[index].posted.next, .gapFree,
                "c\(name) has got up to \(links[index].posted) and gets \(block.first) next")
            links[index].posted = max(links[index].posted, block.last)
        }
        accept(message, on: index)
        return .accepted
    }

    /// One of the mutations: the cursor moves before the block is posted.
    private func advanceEarly(_ process: SimulatedProcess, past block: SentBlock, _ name: Int, _ number: Int) {
        guard let (viewer, _) = process.locks[name], let record = records[name][number],
            record.cursor.next == block.first
        else { return process.early[name] = .some(nil) }
        let advance = ConnectionUpdate.advance(
            fence: viewer.fence, from: record.cursor, to: block.last, lastSeen: .epoch, now: clock(of: process),
            lease: Self.lease)
        process.early[name] = .some(update(advance, name, number))
    }

    /// The gateway takes a message for a viewer.
    private func accept(_ message: ByteBuffer, on index: Int) {
        links[index].lastTraffic = now
        if links[index].isBlackHole || world.injects(.acceptedAndLost, 30) {
            links[index].hasLost = true
            return
        }
        links[index].frames.append(message)
        let viewer = viewers[links[index].viewer]
        let arrival = max(now + Int64(1 + world.random.below(30)), links[index].lastArrival + pace(of: viewer))
        links[index].lastArrival = arrival
        heap.add(.arrive(link: index), at: arrival)
    }

    /// A function closes a connection: its viewer has got everything, or its record is of no use.
    func close(_ name: Int, by process: SimulatedProcess) -> FunctionBoard.Answer {
        if let (viewer, link) = process.locks[name] {
            // The gateway may have given the id to another viewer meanwhile; that viewer then reconnects by itself.
            complete(name, isOwed: link == linkOf[name], of: number(of: viewer.execution))
        } else if links[linkOf[name]].state == .open {
            world.tell("c\(name) is closed: its record is of no use")
            closeInOrder(linkOf[name], code: 1001)
        }
        return .done
    }

    /// Closes a connection because its viewer has got everything.
    func complete(_ name: Int, isOwed: Bool = true, of number: Int) {
        let index = linkOf[name]
        guard links[index].state == .open else { return }
        if isOwed, links[index].execution == number {
            let speaks = viewers[links[index].viewer].encoding == .blocks
            world.require(
                !speaks || links[index].generation > 0, .end,
                "c\(name) is closed as complete before its viewer has resumed: it refuses all that it got")
            world.require(
                executions[number].isEnded && links[index].posted >= executions[number].head.log.offset, .end,
                "c\(name) is closed as complete after \(links[index].posted), but the end is \(executions[number].head.log.offset)"
            )
        }
        world.tell("c\(name) is closed as complete")
        closeInOrder(index, code: 1000)
    }

    // What the gateway tells functions.

    func hear(_ index: Int, _ message: ViewerMessage) {
        links[index].lastTraffic = now
        let name = links[index].name
        world.tell("worker \(processes.count) hears from c\(name): \(message.text)")
        call(.hearing, WebSocketEvent(.message, of: String(name), body: message.text))
    }

    func disconnected(_ name: Int) { call(.hearing, WebSocketEvent(.disconnect, of: String(name))) }

    /// The gateway calls the integration, and has the function's answer.
    func call(_ work: SimulatedProcess.Work, _ event: WebSocketEvent) {
        let board = board
        begin(work) { functions in
            do {
                board.say(.answered(status: try await functions.connection.answer(event).statusCode))
            } catch {
                board.say(.answered(status: 502))
            }
        }
    }
}

/// What is posted to a viewer: a frame with a block, or an event by itself.
private struct SentBlock {
    let first: Offset
    let last: Offset
    private let hashes: [(Offset, UInt64)]

    /// - Parameter end: the log's head: the message that ends a stream of bare lines says no offset.
    init?(_ message: ByteBuffer, end: LogHead) {
        var lines = message
        if case .block(_, _, _, let framed) = GatewayFrame(message) {
            lines = framed
        } else if message == LedgerWorld.disconnect {
            (first, last, hashes) = (end.offset, end.offset, [])
            return
        } else if let offset = message.firstOffset, let line = message.withoutID(offset) {
            lines = line
        } else {
            return nil
        }
        guard let first = lines.firstOffset else { return nil }
        let count = lines.readableBytesView.count { $0 == UInt8(ascii: "\n") }
        let block = ReceivedBlock(first: first, last: first.advanced(by: count), outcome: nil, bytes: lines)
        var hashes: [(Offset, UInt64)] = []
        block.forEachHash { hashes.append(($0, $1)) }
        (self.first, last, self.hashes) = (first, block.last, hashes)
    }

    func matches(_ known: [UInt64]) -> Bool {
        hashes.allSatisfy { offset, hash in
            offset.rawValue <= UInt64(known.count) && known[Int(offset.rawValue) - 1] == hash
        }
    }
}

extension ByteBuffer {
    /// The offset of the event that it begins with.
    fileprivate var firstOffset: Offset? {
        withUnsafeReadableBytes { bytes in
            EventLinePrefix(bytes, from: 0, to: bytes.firstNewline(from: 0) ?? bytes.count).map { Offset($0.offset) }
        }
    }
}
