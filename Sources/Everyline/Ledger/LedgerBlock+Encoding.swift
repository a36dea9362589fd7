extension LedgerBlock {
    /// Encodes as many of the events from `start` on as one block takes, at least one; says where the next block begins.
    static func encode(
        _ events: [SourceEvent], from start: Int, after head: LedgerHead, limits: SequencerLimits
    ) -> (block: LedgerBlock, end: Int) {
        var encoder = BlockEncoder(after: head.log.offset)
        var ids: [String] = []
        var index = start
        while index < events.count, encoder.byteCount < limits.block {
            let size = events[index].message.utf8.count
            if index > start, encoder.byteCount + size > limits.block { break }
            encoder.append(events[index], lineLimit: limits.line)
            ids.append(events[index].id)
            index += 1
        }
        return (LedgerBlock(encoder, ids: ids, after: head), index)
    }

    /// The event that says that output goes on unrecorded.
    static func noticeOfFull(after head: LedgerHead, at time: Timestamp) -> LedgerBlock {
        var encoder = BlockEncoder(after: head.log.offset)
        encoder.appendNotice(
            code: "log_limit", message: "The log has reached its limit; what follows is not recorded.",
            timestamp: max(time, head.log.latest))
        return LedgerBlock(encoder, ids: [], after: head)
    }

    /// The event that ends the log.
    static func end(_ outcome: ExecutionOutcome, after head: LedgerHead, at time: Timestamp) -> LedgerBlock {
        var encoder = BlockEncoder(after: head.log.offset)
        encoder.appendEnd(outcome, timestamp: max(time, head.log.latest))
        return LedgerBlock(encoder, ids: [], after: head)
    }

    /// - Precondition: the encoder holds something.
    private init(_ encoder: BlockEncoder, ids: [String], after head: LedgerHead) {
        guard let events = encoder.finish() else { preconditionFailure("a block holds at least one event") }
        self.init(events: events, eventIDs: ids, runningMaximum: max(head.log.latest, events.latest))
    }
}

extension BlockEncoder {
    /// Adds a source event, in `partial` events where it is longer than `lineLimit`.
    fileprivate mutating func append(_ event: SourceEvent, lineLimit: ByteCount) {
        var (message, id) = (event.message, event.id)
        id.withUTF8 { id in
            message.withUTF8 { message in
                let message = UnsafeRawBufferPointer(message)
                var start = 0
                repeat {
                    let end =
                        message.count - start > lineLimit
                        ? message.endOfPart(from: start, limit: lineLimit) : message.count
                    appendLine(
                        UnsafeRawBufferPointer(rebasing: message[start..<end]), timestamp: event.timestamp,
                        isPartial: end < message.count || event.isPartial,
                        eventID: UnsafeRawBufferPointer(id))
                    start = end
                } while start < message.count
            }
        }
    }
}
