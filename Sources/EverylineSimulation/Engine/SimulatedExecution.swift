import Everyline
import NIOCore

/// An execution of the AWS form: what its command wrote, what the platform's log shows of it and when, and its ledger.
struct SimulatedExecution {
    let id: ExecutionID
    var outcome = ExecutionOutcome(status: .succeeded, exitCode: 0)
    /// What was written, with the script's end behind it if there is one; in the order in which the platform's log
    /// gives it.
    var source: [SourceEvent] = []
    var writtenAt: [Int64] = []
    var shownAt: [Int64] = []
    /// How many of the source's events are lines.
    var lineCount = 0
    /// Whether the script has written the end.
    var hasEnd = true
    var stoppedAt: Int64 = 0
    /// How many messages with lines have been sent, and have been dealt with.
    var batchesSent = 0
    var batchesDone = 0

    var head = LedgerHead()
    var blocks: [EventBlock] = []
    var parked: [ClosedRange<UInt64>: SourceRun] = [:]
    /// The lines of the messages that were deleted before the log's end.
    var arrived: Set<UInt64> = []
    /// What every offset stands for, from the first moment it was taken.
    var hashes: [UInt64] = []

    init(id: ExecutionID) { self.id = id }

    var isEnded: Bool { head.log.isEnded }

    /// A message of lines has been deleted.
    mutating func take(_ events: [SourceEvent]) {
        batchesDone += 1
        guard !isEnded else { return }
        arrived.formUnion(events.compactMap(\.number))
    }

    func read(after offset: Offset, limit: ByteCount) -> LogRead {
        let next = blocks.first { $0.last > offset }?.suffix(after: offset)
        return LogRead(block: next?.prefix(limit: limit), head: head.log)
    }

    /// The offset before the first event that is not older than `time`; the head if there is none.
    func offset(before time: Timestamp) -> Offset {
        for block in blocks where block.latest >= time {
            let events = (try? LogEvent.decode(lines: block.bytes)) ?? []
            if let event = events.first(where: { $0.timestamp >= time }) { return Offset(event.offset.rawValue - 1) }
        }
        return head.log.offset
    }

    /// A page of what the source shows at `now`, in the order of times.
    func page(from start: Timestamp, at position: SourcePosition?, at now: Int64, size: Int) -> SourcePage {
        var index = position.flatMap { Int($0.token) } ?? 0
        var events: [SourceEvent] = []
        while index < source.count, events.count < size {
            if shownAt[index] <= now, source[index].timestamp >= start { events.append(source[index]) }
            index += 1
        }
        return SourcePage(events: events, next: index < source.count ? SourcePosition(token: String(index)) : nil)
    }
}
