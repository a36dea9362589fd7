import Everyline
import EverylineClient

/// Follows the log as any program would, while its plan of faults strikes.
struct Viewer: Sendable {
    let endpoint: ViewerEndpoint
    let plan: FaultPlan
    let stalls: Bool
    let progress: Progress
    let settings: CanarySettings
    let number: Int
    let clock: RunClock

    /// Returns when it has everything, or gave up; which of them stands in its stats.
    ///
    /// - Throws: `CancellationError`.
    func watch() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await follow() }
                group.addTask { try await loseHope() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as TailError {
            stats.update { $0.failure = "\(error)" }
        } catch let error as Starved {
            stats.update { $0.failure = error.description }
        }
    }

    private var stats: DeliveryStats { endpoint.stats }

    private func follow() async throws {
        var pending = plan.entries[...]
        var isBeingCut = false
        var tail = ResumingTail(
            from: .beginning, options: endpoint.options, endpoint: endpoint.endpoint, clock: ContinuousClock(),
            seed: { settings.seed(for: number) }
        ).makeAsyncIterator()
        while let update = try await tail.next() {
            switch update {
            case .events(let block):
                stats.seen(block, at: clock.now)
                if stalls, block.first == Offset(1) { endpoint.proxy.stall() }
                // What comes out of a connection that is gone must not use up the plan.
                guard !isBeingCut, let entry = pending.first, block.last.rawValue >= entry.line else { continue }
                pending.removeFirst()
                isBeingCut = entry.fault.isCut
                if isBeingCut { stats.update { $0.cuts += 1 } }
                endpoint.proxy.inject(entry.fault)
            case .reconnecting:
                isBeingCut = false
            case .resumed:
                stats.update { $0.reconnections += 1 }
            case .ended, .notice, .pending, .way, .restored:
                continue
            }
        }
    }

    /// Ends by an error once nothing has come for too long, though there is something.
    private func loseHope() async throws {
        let interval = min(settings.patience / 4, .seconds(1))
        var (last, since) = (stats.last, ContinuousClock.now)
        while true {
            try await ContinuousClock().sleep(for: interval)
            let now = stats.last
            if now != last || progress.head == now || progress.isStalled(number) { (last, since) = (now, .now) }
            guard ContinuousClock.now - since < settings.patience else {
                throw Starved(last: last, patience: settings.patience)
            }
        }
    }

    private struct Starved: Error, CustomStringConvertible {
        let last: UInt64
        let patience: Duration

        var description: String {
            "nothing came for \(patience.components.seconds) s behind event \(last), though there is something"
        }
    }
}
