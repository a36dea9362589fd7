/// Takes what comes from the platform's log: carries out ``Sequencer`` and ``Drain`` against the ports.
public struct SequencerWorker: Sendable {
    private let ledger: any Ledger
    private let connections: any ConnectionStore
    private let doorbell: any Doorbell
    private let limits: DrainLimits
    private let recent: RecentLedgerBlocks
    private let now: @Sendable () -> Timestamp

    public init(
        ledger: any Ledger, connections: any ConnectionStore, doorbell: any Doorbell,
        limits: DrainLimits = DrainLimits(),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.ledger = ledger
        self.connections = connections
        self.doorbell = doorbell
        self.limits = limits
        self.recent = RecentLedgerBlocks()
        self.now = now
    }

    /// Gives a batch its offsets. Its message may be deleted only if this is ``Sequencer/Outcome/done``.
    public func sequence(_ events: [SourceEvent], of execution: ExecutionID) async -> Sequencer.Outcome {
        var sequencer = Sequencer(events, of: execution, limits: limits.sequencer)
        var action = sequencer.handle(.begin)
        while true {
            if case .finish(let outcome) = action { return outcome }
            action = sequencer.handle(await carryOut(action, of: execution))
        }
    }

    /// Ends an execution's log once everything is in it. Its message may be deleted only if this is ``Drain/Outcome/done``.
    ///
    /// - Parameters:
    ///   - outcome: how the execution ended, as its platform says.
    ///   - pause: leaves the source the time to show what it has taken.
    public func drain(
        _ execution: ExecutionID, outcome: ExecutionOutcome, stoppedAt: Timestamp, from source: any LogSource,
        pause: @Sendable () async -> Void
    ) async -> Drain.Outcome {
        var drain = Drain(of: execution, outcome: outcome, stoppedAt: stoppedAt, limits: limits)
        var action = drain.handle(.begin)
        while true {
            switch action {
            case .finish(let outcome):
                return outcome
            case .sequence(let step):
                action = drain.handle(.sequenced(await carryOut(step, of: execution)))
            case .readSource(let position):
                do {
                    action = drain.handle(.source(try await source.read(execution, after: position)))
                } catch {
                    action = drain.handle(.failed)
                }
            case .pause:
                await pause()
                action = drain.handle(.paused)
            }
        }
    }

    private func carryOut(_ action: Sequencer.Action, of execution: ExecutionID) async -> Sequencer.Input {
        do {
            switch action {
            case .readHead:
                return .head(try await ledger.ledgerHead(of: execution))
            case .readBlock(let offset):
                return try await block(of: execution, holding: offset).map(Sequencer.Input.block) ?? .failed
            case .append(let append):
                guard let head = try await ledger.append(append, to: execution, at: now()) else { return .refused }
                if let block = append.block { recent.keep(block, of: execution) }
                return .appended(head)
            case .ring:
                let viewers = try await connections.connections(of: execution, at: now())
                if !viewers.isEmpty { try await doorbell.ring(viewers, of: execution) }
                return .rung
            case .finish:
                preconditionFailure("the end of a batch is no step")
            }
        } catch {
            return .failed
        }
    }

    private func block(of execution: ExecutionID, holding offset: Offset) async throws -> LedgerBlock? {
        if let block = recent.block(of: execution, holding: offset) { return block }
        return try await ledger.block(of: execution, holding: offset)
    }
}
