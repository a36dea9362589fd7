import Everyline
import NIOCore

// What a process does that brings the output of an earlier one, which is gone.
extension Uplink {
    /// Brings what an earlier process left, which is gone, and the `end` that it owes: the log says so, never as if it
    /// were complete.
    ///
    /// - Parameter message: what the log says.
    /// - Throws: as ``run()``.
    package func runForLostProcess(_ message: String = lostProcess) async throws -> Conclusion {
        guard spool.end == nil else { return try await run() }
        let time = now()
        let outcome = ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
        let owed = Self.ending(.runnerLost, message, outcome, at: time)
        return try await concluding {
            try await compareLast()
            try await deliver(owed: owed)
        }
    }

    package static let lostProcess =
        "The process that ran the command is gone; output that it had not written down is lost."

    /// Lets the server compare the last event here with its log: one that has ended otherwise, or holds another event
    /// there, refuses it.
    private func compareLast() async throws {
        let place = spool.place
        guard spool.last > spool.acknowledged, place.sends(spool.last) else { return }
        let number = Offset(spool.last.rawValue - 1)
        guard let (event, _) = try? spool.read(after: number, limit: 1) else { return }
        let before = place.offset(of: number)
        do {
            // An event beyond the log's head could arrive late, when parts of a line have its place.
            let start = place.place(after: spool.acknowledged)
            guard try await retrying({ try await append(ByteBuffer(), after: start) }) > before else { return }
            _ = try await retrying(untilTooLarge: true) { try await append(event, after: before) }
        } catch let error as APIError where error.knownCode == .differentContent {
            guard try await holdsOwnNotice(after: before) else { throw error }
        } catch let error as APIError where error.knownCode != .ended {
            // The log isn't there yet, or something else is wrong that the delivery meets too: an event that is sent in
            // parts can't be compared.
        }
    }

    /// Whether an earlier process has given up the rest there, and said so.
    private func holdsOwnNotice(after head: Offset) async throws -> Bool {
        for (code, message) in [(NoticeCode.logFull, Self.fullLog), (.linesLost, Self.discarded)] {
            let notice = Self.notice(code, message, at: now())
            do {
                _ = try await retrying { try await append(notice, after: head) }
                return true
            } catch let error as APIError where error.knownCode == .differentContent {
            } catch let error as APIError where error.knownCode == .otherIncarnation {
                // The log isn't that one any more: the delivery goes on from what both have.
                return true
            }
        }
        return false
    }

    /// Appends the `end` of an earlier process, unless that process's own arrives late and comes first.
    func pay(_ owed: ByteBuffer, after head: Offset) async throws {
        do {
            _ = try await appendLast(owed, after: head)
        } catch let error as APIError where error.knownCode == .ended && !error.isForeign {}
    }
}
