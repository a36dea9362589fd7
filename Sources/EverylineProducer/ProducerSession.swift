package import Everyline

/// Brings to the server what is recorded, while it is recorded, and lets the server stop the command that is recorded.
///
///     command ─ pipe ─► OutputPump ─► Recorder ─► Spool (disk) ─► Uplink ─► server
///        ▲                               └ a line's beginning ─► PendingLineSender ─► server
///        └──── signals ◄──── StopSignal ◄──── its answers, its control endpoint ◄─┘
///
/// Recording does no harm: a server that refuses, answers rubbish or is away never stops `produce`.
package struct ProducerSession: Sendable {
    private let uplink: Uplink
    private let pending: PendingLineSender
    private let stop: StopSignal
    private let wasRefused: @Sendable (APIError) -> Void

    /// - Parameters:
    ///   - recorder: writes into the uplink's spool.
    ///   - wasRefused: called once if the server refuses for good, which may be long before the command ends.
    package init(
        _ uplink: Uplink, recorder: Recorder, stop: StopSignal,
        wasRefused: @escaping @Sendable (APIError) -> Void = { _ in }
    ) {
        self.uplink = uplink
        pending = PendingLineSender(recorder, to: uplink.endpoint, clock: uplink.clock)
        self.stop = stop
        self.wasRefused = wasRefused
    }

    /// Runs `produce`, which records to the `end`, and returns when the server has all of it, or has refused it.
    ///
    /// - Throws: what `produce` throws, and `CancellationError`.
    package func run<Value: Sendable>(
        _ produce: @escaping @Sendable () async throws -> Value
    ) async throws -> (value: Value, conclusion: Uplink.Conclusion) {
        async let conclusion = deliver()
        let value = try await withThrowingTaskGroup { group in
            group.addTask { try await watchForStop() }
            group.addTask { try await pending.run() }
            defer { group.cancelAll() }
            return try await produce()
        }
        // The last events may still wait for room on the disk, while the server is away.
        async let _ = uplink.spool.waitUntilWritten(on: uplink.clock)
        return (value, try await conclusion)
    }

    private func deliver() async throws -> Uplink.Conclusion {
        let conclusion = try await uplink.run()
        if case .refused(let error) = conclusion {
            uplink.spool.refuse()
            wasRefused(error)
        }
        return conclusion
    }

    private func watchForStop() async throws {
        do {
            while true {
                let answer = try await uplink.retrying(askWhetherToStop)
                if answer.isRequested { return stop.stop(.requested) }
                try await uplink.clock.sleep(for: answer.pause)
            }
        } catch is APIError {
            // The server refuses: the uplink learns the same, and knows what to do.
        }
    }

    private func askWhetherToStop() async throws -> ProducerEndpoint.StopResponse {
        // The question waits at the server. Where it breaks off, and where it is asked anew, the server may be another
        // one by now.
        pending.doubt()
        defer { pending.doubt() }
        var answer = try await uplink.endpoint.mustStop()
        // A command that writes nothing for long has its log go on all the same. Whether it should stop, the right
        // server says then.
        if let known = uplink.spool.place.incarnation, let now = answer.incarnation, known != now {
            uplink.spool.doubtPlace()
            answer.isRequested = false
        }
        return answer
    }
}
