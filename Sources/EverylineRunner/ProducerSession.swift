import Everyline
import EverylineClient

/// Brings to the server what is recorded, while it is recorded, and lets the server stop whoever records.
///
///     command ─ pipe ─► OutputPump ─► Recorder ─► Spool (disk) ─► Uplink ─► server
///        ▲                                                                    │
///        └──── signals ◄──── Stopping ◄──── its control endpoint ◄────────────┘
package struct ProducerSession: Sendable {
    private let uplink: Uplink
    private let stopping: Stopping

    package init(_ uplink: Uplink, stopping: Stopping) {
        self.uplink = uplink
        self.stopping = stopping
    }

    /// Runs `produce`, which records to the `end`, and returns when the server has all of it, or doesn't want it.
    ///
    /// - Throws: what `produce` throws, or the uplink.
    package func run<Value: Sendable>(
        _ produce: @escaping @Sendable () async throws -> Value
    ) async throws -> (value: Value, conclusion: Uplink.Conclusion) {
        async let conclusion = deliver()
        let value = try await withThrowingTaskGroup { group in
            group.addTask { try await watchForStop() }
            defer { group.cancelAll() }
            return try await produce()
        }
        return try await (value, conclusion)
    }

    private func deliver() async throws -> Uplink.Conclusion {
        do {
            let conclusion = try await uplink.run()
            if case .refused = conclusion { giveUp() }
            return conclusion
        } catch {
            giveUp()
            throw error
        }
    }

    private func giveUp() {
        uplink.spool.abandon()
        stopping.stop(.unwanted)
    }

    private func watchForStop() async throws {
        let (policy, endpoint) = (uplink.policy, uplink.endpoint)
        do {
            while try await !policy.run(clock: uplink.clock, { try await endpoint.mustStop() }) {}
            stopping.stop(.requested)
        } catch is APIError {
            // The server doesn't know the execution any more. The uplink learns the same, and knows what to do.
        }
    }
}
