import Everyline
import EverylineProducer
import NIOCore

// What must hold when nothing has gone wrong for long enough.
extension EmbeddedWorld {
    func checkTheEnd() {
        let log = executions[0]
        world.require(log.isEnded, .live, "the log has not ended")
        world.require(producer.isDone, .live, "a producer still waits, or has no successor")
        world.require(
            producer.command.hasEnded || producer.lives > 1, .harmless, "the command still waits for its pipe")
        for (number, viewer) in viewers.enumerated() where viewer.isToBeServed && viewer.phase != .finished {
            world.require(
                false, .live,
                "viewer \(number) has got up to \(viewer.last ?? .zero) of \(log.head.log.offset), and waits")
        }
        guard world.violation == nil else { return }
        world.require(log.blocks.last?.endsLog == true, .end, "the last event is not the end")
        checkLines(log.events)
        checkPendingLines()
        world.require(
            log.head.log.offset >= producer.kept || isCutShort || producer.isPowerLost, .durableBeforeVisible,
            "a spool held up to \(producer.kept) when its process was killed, and the log ends at \(log.head.log.offset)"
        )
    }

    /// The log holds what the command wrote, byte for byte; or a part of it, as a rule the beginning, and says so.
    private func checkLines(_ events: [LogEvent]) {
        let streams = producer.command.written.count
        var logged = Array(repeating: [UInt8](), count: streams)
        for case .line(let line) in events.map(\.content) {
            let stream = line.stream == .stderr ? 1 : 0
            logged[stream] += line.message.utf8
            if !line.isPartial { logged[stream].append(UInt8(ascii: "\n")) }
        }
        for stream in 0..<streams {
            var written = producer.command.written[stream]
            if let last = written.last, last != UInt8(ascii: "\n") { written.append(UInt8(ascii: "\n")) }
            let isWhole = logged[stream] == written
            // The last line may have been cut where its process died.
            let isBeginning =
                written.starts(with: logged[stream]) || written.starts(with: logged[stream].dropLast())
            // A process that couldn't read its disk has left a notice in the place of what its successor may read again
            // in part.
            let isRest = notices().contains(.linesLost) && Self.isRest(logged[stream], of: written)
            world.require(
                isWhole || isBeginning || isRest, .order,
                "the log has “\(Self.text(logged[stream]))”, and the command wrote “\(Self.text(written))”")
            world.require(
                isWhole || isCutShort || notices().contains(.runnerLost), .honest,
                "\(written.count - logged[stream].count) bytes are missing without a word")
        }
    }

    /// Whether `rest` is what is left of `bytes` when parts are left out.
    private static func isRest(_ rest: [UInt8], of bytes: [UInt8]) -> Bool {
        var left = rest[...]
        for byte in bytes where byte == left.first { left.removeFirst() }
        return left.isEmpty
    }

    /// Whether the log says that it doesn't hold everything, or something other than its producer ended it.
    private var isCutShort: Bool {
        isEndedFromOutside || notices().contains { $0 == .logFull || $0 == .linesLost }
    }

    /// What the log says of itself.
    func notices() -> [NoticeCode] {
        executions[0].events.compactMap { event in
            if case .notice(let code, _) = event.content { NoticeCode(rawValue: code) } else { nil }
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
