// The changes that there are.
extension LedgerChange {
    /// Appends a run from the line that is wanted next on: as much of it as one block takes.
    ///
    /// A time that would go backwards within the log is held at the one before it.
    /// - Parameter platform: how the execution ended, if its platform has said so.
    /// - Returns: `nil` if that line is an end whose outcome only the platform can say, and it hasn't.
    /// - Precondition: the run holds the line that is wanted next.
    static func append(
        _ run: SourceRun, to head: LedgerHead, platform: ExecutionOutcome?, limits: LedgerLimits
    ) -> LedgerChange? {
        precondition(
            run.lines.contains(head.next) && !head.isFull,
            "lines \(run.lines) come where \(head.next) is wanted: \(head)")
        var writer = EventWriter(head)
        var outcome: ExecutionOutcome?
        for event in run.events(from: head.next) {
            if writer.encoder.byteCount >= limits.block { break }
            guard case .end(let end) = event.kind else {
                guard head.log.bytes + writer.encoder.byteCount < limits.log else {
                    writer.noteFull(at: event.timestamp)
                    break
                }
                writer.write(event, lineLimit: limits.line)
                continue
            }
            guard let found = end.outcome(isStopRequested: head.isStopRequested, platform: platform) else { break }
            let verified = found.verified(writer.head.isWhole)
            writer.end(verified, at: event.timestamp)
            writer.head.next += 1
            outcome = verified
            break
        }
        return writer.change(outcome)
    }

    /// Keeps a run that came too early.
    static func park(_ run: SourceRun, at head: LedgerHead) -> LedgerChange {
        var next = head
        next.parked.append(run.lines)
        next.parked.sort { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
        return LedgerChange(from: head, to: next, parks: run)
    }

    /// Notices for lines that come after they were given up; `nil` if none of these is one.
    ///
    /// - Parameter noted: the lines that have such a notice from this batch.
    static func late(
        _ batch: SourceBatch, to head: LedgerHead, unless noted: Set<UInt64>, limits: LedgerLimits
    ) -> (change: LedgerChange?, numbers: [UInt64]) {
        guard !head.lost.isEmpty else { return (nil, []) }
        var (writer, numbers) = (EventWriter(head), [UInt64]())
        for event in batch.runs.lazy.flatMap(\.events) {
            guard let number = event.number, head.isLost(number), !noted.contains(number) else { continue }
            if writer.encoder.byteCount >= limits.block { break }
            writer.notice(.lateLine, LateLine(number, event.text).text, at: event.timestamp, lineLimit: limits.line)
            writer.head.lost = writer.head.lost.flatMap { $0.without(number) }.joined(atMost: LedgerHead.lossLimit)
            numbers.append(number)
        }
        return (writer.change(nil), numbers)
    }

    /// Notices for what was written past the script.
    static func unnumbered(
        _ events: ArraySlice<SourceEvent>, to head: LedgerHead, limits: LedgerLimits
    ) -> (change: LedgerChange?, rest: ArraySlice<SourceEvent>) {
        var (writer, rest) = (EventWriter(head), events)
        while let event = rest.first, writer.encoder.byteCount < limits.block {
            writer.write(event, lineLimit: limits.line)
            rest.removeFirst()
        }
        return (writer.change(nil), rest)
    }

    /// Gives up the lines before `number`: the platform's log has lost them.
    static func loss(before number: UInt64, at head: LedgerHead) -> LedgerChange? {
        let lines = head.next...(number - 1)
        var writer = EventWriter(head)
        writer.notice(.linesLost, LostLines(lines).text, at: .epoch)
        writer.head.hasLoss = true
        writer.head.lost = (head.lost + [lines]).joined(atMost: LedgerHead.lossLimit)
        writer.head.next = number
        return writer.change(nil)
    }

    /// Says that the ledger was put back as it was after `base`; `nil` if it has gone on since. What the platform's log
    /// has behind it comes again.
    package static func restored(after base: Offset, at time: Timestamp, head: LedgerHead) -> LedgerChange? {
        guard head.log.offset == base, !head.isFull else { return nil }
        var writer = EventWriter(head)
        let message =
            "The table was put back as it was after event \(base): what came after it was void, and comes again as far as CloudWatch has it."
        writer.notice(.restored, message, at: time)
        return writer.change(nil)
    }

    /// Ends a log without the script's word, or a full one: nothing says that every line is there.
    ///
    /// - Parameter reason: why nothing was started, in the platform's words: a notice before the end.
    static func end(
        _ outcome: ExecutionOutcome, reason: String? = nil, at time: Timestamp, head: LedgerHead,
        lineLimit: ByteCount = LedgerLimits().line
    ) -> LedgerChange? {
        var writer = EventWriter(head)
        if let reason { writer.notice(.notStarted, reason, at: time, lineLimit: lineLimit) }
        let outcome = outcome.verified(false)
        writer.end(outcome, at: time)
        return writer.change(outcome)
    }
}

/// Encodes the events of one change, and follows what they make of the head.
private struct EventWriter {
    let from: LedgerHead
    var head: LedgerHead
    var encoder: BlockEncoder
    private var latest: Timestamp

    init(_ head: LedgerHead) {
        from = head
        self.head = head
        encoder = BlockEncoder(after: head.log.offset)
        latest = head.log.latest
    }

    /// Adds a line, in `partial` events where it is longer than `lineLimit`; a notice if it has no number.
    mutating func write(_ event: SourceEvent, lineLimit: ByteCount) {
        guard let number = event.number else {
            return notice(.unnumbered, event.text, at: event.timestamp, lineLimit: lineLimit)
        }
        latest = max(latest, event.timestamp)
        cut(event.text, lineLimit) { part, goesOn in
            encoder.appendLine(part, timestamp: latest, isPartial: goesOn || event.kind == .part)
        }
        head.sourceTime = event.timestamp
        head.next = number + 1
    }

    mutating func notice(_ code: NoticeCode, _ text: String, at time: Timestamp, lineLimit: ByteCount = .max) {
        latest = max(latest, time)
        cut(text, lineLimit) { part, _ in
            encoder.appendNotice(
                code: code.rawValue, message: String(decoding: part, as: UTF8.self), timestamp: latest)
        }
    }

    mutating func noteFull(at time: Timestamp) {
        notice(.logFull, "The log has reached its limit; what follows is not recorded.", at: time)
        head.isFull = true
    }

    mutating func end(_ outcome: ExecutionOutcome, at time: Timestamp) {
        latest = max(latest, time)
        encoder.appendEnd(outcome, timestamp: latest)
    }

    /// - Returns: `nil` if nothing was added.
    func change(_ outcome: ExecutionOutcome?) -> LedgerChange? {
        guard let block = encoder.finish() else { return nil }
        var to = head
        to.log = from.log.adding(block)
        to.parked.removeAll { $0.upperBound < to.next || outcome != nil || to.isFull }
        return LedgerChange(from: from, to: to, block: block, outcome: outcome)
    }

    private func cut(_ text: String, _ limit: ByteCount, emit: (UnsafeRawBufferPointer, _ goesOn: Bool) -> Void) {
        var text = text
        text.withUTF8 { text in
            UnsafeRawBufferPointer(text).forEachPart(limit: limit, emit)
        }
    }
}

extension [ClosedRange<UInt64>] {
    /// At most so many ranges: the oldest are joined, with what is between them.
    fileprivate func joined(atMost limit: Int) -> [ClosedRange<UInt64>] {
        guard count > limit else { return self }
        return [self[0].lowerBound...self[count - limit].upperBound] + self[(count - limit + 1)...]
    }
}

extension ClosedRange<UInt64> {
    /// What is left of the range without one of its numbers.
    fileprivate func without(_ number: UInt64) -> [ClosedRange<UInt64>] {
        guard contains(number) else { return [self] }
        return (lowerBound < number ? [lowerBound...(number - 1)] : [])
            + (number < upperBound ? [(number + 1)...upperBound] : [])
    }
}
