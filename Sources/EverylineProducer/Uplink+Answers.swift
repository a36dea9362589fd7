import Everyline
import NIOCore

// What of an answer is heeded: something on the way may have given it, or it is another log's.
extension Uplink {
    func append(_ events: ByteBuffer, after head: Offset) async throws -> Offset {
        let known = spool.place.incarnation
        let sent = head.advanced(by: events.lineCount)
        let answer: ProducerEndpoint.Appended
        do {
            answer = try await endpoint.append(events, head, known)
        } catch let error as APIError where error.knownCode != .ended {
            if let restoration = error.restoration { try Self.check(restoration) }
            guard let head = error.head, error.restoration == nil, !mayHave(head, afterSending: sent) else {
                throw error
            }
            throw ClientError.unexpectedAnswer("it says that the log has event \(head)")
        }
        // Nothing of an answer to something else is heeded. The append rule gives no less than what was sent.
        guard answer.head >= sent, mayHave(answer.head, afterSending: sent) else {
            throw ClientError.unexpectedAnswer("it acknowledged event \(answer.head) after \(head)")
        }
        if answer.head > sent { try await confirm(answer.head, known) }
        if let incarnation = answer.incarnation { spool.begin(in: incarnation) }
        if answer.isStopRequested { stopRequested() }
        return answer.head
    }

    /// - Throws: ``ClientError`` for what no server has been restored to.
    private static func check(_ restoration: Restoration) throws {
        guard restoration.base <= LogPlace.most, (1...LogPlace.mostRestores).contains(restoration.count) else {
            throw ClientError.unexpectedAnswer(
                "it says that it was restored \(restoration.count) times, to event \(restoration.base)")
        }
    }

    /// Whether the log's head may be this one. What an earlier process wrote, and its spool has lost in a crash of the
    /// machine, may be there too.
    private func mayHave(_ head: Offset, afterSending sent: Offset) -> Bool {
        guard isFirst else { return head <= LogPlace.most }
        return head <= max(sent, spool.place.offset(of: spool.last)).advanced(by: Self.strangersEvents)
    }

    /// How many events a log may have that stand in no spool: a notice of this producer's, and a notice and an end by
    /// which the server has ended the log itself.
    private static let strangersEvents = 3

    /// Asks once more where an answer says that the log has more than what was sent with its request. An earlier
    /// request may have arrived after all; or the answer is another log's, and what was never sent would be taken for
    /// delivered.
    private func confirm(_ head: Offset, _ incarnation: Incarnation?) async throws {
        do {
            _ = try await endpoint.append(ByteBuffer(), head, incarnation)
        } catch let error as APIError where error.knownCode == .outOfOrder {
            throw ClientError.unexpectedAnswer("it acknowledged event \(head), which the log doesn't have")
        }
    }
}
