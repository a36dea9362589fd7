@testable import Everyline
@testable import EverylineClient
import NIOCore

extension FuzzTarget {
    /// A stream as a client believes it: messages (parted by lines of `---`), through a gateway or not. What is let
    /// through is c+1, c+2, … and nothing else, however hostile the server.
    static let streamMessages = FuzzTarget(name: "stream-messages") { input in
        let messages = input.parts(between: "---")
        StreamChecks.follow(messages, from: .after(Offset(40)))
        StreamChecks.follow(messages, from: .notOlderThan(.epoch))
        StreamChecks.throughGateway(messages)
        StreamChecks.download(input)
        for message in messages {
            StreamChecks.checkFrame(message)
            StreamChecks.checkViewerMessage(message)
        }
    }
}

private enum StreamChecks {
    static func follow(_ messages: [ByteBuffer], from start: StreamStart) {
        var check = StreamCheck(from: start)
        var last = check.last
        for message in messages {
            let before = check.outcome
            let finding = check.take(message)
            if let block = finding.block {
                expect(last == nil || block.first == last?.next, "a block follows what came before")
                expect(block.bytes.lines.count == block.count, "a block holds as many lines as its offsets say")
                expect(before == nil, "nothing comes after the end")
                last = block.last
                if let events = try? block.events() {
                    expect(
                        events.map(\.offset.rawValue) == Array(block.first.rawValue...block.last.rawValue),
                        "offsets have no holes")
                }
                for offset in [block.first, block.last] {
                    expect(block.prefix(through: offset) != nil, "it has a prefix")
                }
            }
            expect(check.last == last, "only what was let through is known")
            if finding.fault != nil { return }
        }
    }

    static func throughGateway(_ messages: [ByteBuffer]) {
        guard let execution = ExecutionID("01hv3k5x7q2m4n6p8r0s1t3v5w") else { return }
        var session = GatewaySession(of: execution, after: Offset(40))
        var generation: UInt64 = 0
        guard case .resume(let first, let after) = session.open() else { return expect(false, "it opens by resuming") }
        expect(first > generation && after == Offset(40), "it resumes after what it has")
        generation = first
        for message in messages {
            if case .resume(let next, _)? = session.take(message).answer {
                expect(next > generation, "generations grow")
                generation = next
            }
            if case .resume(let next, _) = session.silence() { expect(next == generation, "silence resumes the same") }
        }
    }

    /// A download comes in pieces of any size, and is lines all the same.
    static func download(_ input: FuzzInput) {
        var assembler = LineAssembler(limit: 1 << 20)
        var text = ByteBuffer()
        for piece in input.pieces {
            guard let lines = assembler.add(piece) else { continue }
            text.writeImmutableBuffer(lines)
            text.writeInteger(UInt8(ascii: "\n"))
        }
        let view = input.bytes.readableBytesView
        let whole = view.lastIndex(of: UInt8(ascii: "\n")).map { view[...$0] } ?? view.prefix(0)
        expect(text.readableBytesView.elementsEqual(whole), "the whole lines are what came")
        expect(assembler.isWithinLine == (whole.count < view.count), "it knows whether a line has begun")
    }

    static func checkFrame(_ message: ByteBuffer) {
        let frame = GatewayFrame(message)
        expect(GatewayFrame(frame.message) == frame, "a frame that is written and read is itself")
        guard case .block(_, _, _, let lines) = frame else { return }
        expect(
            frame.message.readableBytes <= lines.readableBytes + GatewayFrame.maximumOverhead,
            "a block's head has its limit")
    }

    static func checkViewerMessage(_ text: ByteBuffer) {
        guard let message = ViewerMessage(text) else { return }
        expect(ViewerMessage(ByteBuffer(string: message.text)) == message, "a word that is written and read is itself")
        expect(message.text.utf8.count <= ViewerMessage.maximumLength, "no word is too long to be looked at")
    }
}
