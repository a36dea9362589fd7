import Everyline
import Synchronization

/// Tells the server what the recorder knows of a line that has no newline yet: once nothing has come for a while, and
/// now and then while it goes on. It is sent behind all events that stand before it, and each time as it is then:
/// nothing is sent again, and what has become old is not sent at all.
final class PendingLineSender: Sendable {
    /// Between two of them, and from a line's beginning to the first.
    private static let pace: Duration = .milliseconds(100)
    /// After a failure.
    private static let retryPause: Duration = .milliseconds(500)

    private let recorder: Recorder
    private let endpoint: ProducerEndpoint
    private let clock: any Clock<Duration>
    private let isInDoubt = Atomic(false)

    init(_ recorder: Recorder, to endpoint: ProducerEndpoint, clock: any Clock<Duration>) {
        self.recorder = recorder
        self.endpoint = endpoint
        self.clock = clock
    }

    /// Lets the line be sent also if it hasn't changed: perhaps the server was started anew, and has forgotten it.
    func doubt() {
        isInDoubt.store(true, ordering: .releasing)
        recorder.unfinished.announce()
    }

    /// Returns once the server wants none any more.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        var known: PendingLine?
        while true {
            let version = recorder.unfinished.version
            if isInDoubt.exchange(false, ordering: .acquiring) { known = nil }
            guard let line = recorder.pendingLine, line != known else {
                try await recorder.unfinished.wait(past: version)
                continue
            }
            try await clock.sleep(for: Self.pace)
            do {
                guard let newest = try await delivered() else { continue }
                let place = recorder.spool.place
                let line = PendingLine(
                    after: place.offset(of: newest.after), message: newest.message, stream: newest.stream)
                try await endpoint.setPending(line, place.incarnation)
                known = newest
            } catch is PlaceLost {
                return
            } catch let error as APIError where error.knownCode == .otherIncarnation {
                // The uplink learns what that means. Then the line has another place.
                known = nil
                recorder.spool.doubtPlace()
                try await clock.sleep(for: Self.retryPause)
            } catch let error as APIError where error.endsPendingLines {
                return
            } catch let error as CancellationError {
                throw error
            } catch {
                known = nil
                try await clock.sleep(for: Self.retryPause)
            }
        }
    }

    private struct PlaceLost: Error {}

    /// The line as it is when the server has all events before it; `nil` if there is none by then.
    ///
    /// - Throws: ``PlaceLost`` if the log doesn't go on with what is recorded; `CancellationError`.
    private func delivered() async throws -> PendingLine? {
        let spool = recorder.spool
        while true {
            let version = spool.changes.version
            guard !spool.hasLostPlace else { throw PlaceLost() }
            if spool.delivered >= spool.last {
                guard let line = recorder.pendingLine else { return nil }
                if line.after <= spool.delivered { return line }
            }
            try await spool.changes.wait(past: version)
        }
    }
}

extension APIError {
    /// Whether the server knows no pending lines, or none of this log any more.
    fileprivate var endsPendingLines: Bool {
        status == 404 || status == 405 || knownCode == .notSupported || !mayPassForProducer
    }
}
