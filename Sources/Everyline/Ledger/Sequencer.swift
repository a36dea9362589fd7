/// Takes what the platform's subscription brings: gives lines their offsets, in the order of their numbers.
package struct Sequencer: Sendable {
    private let appender: LedgerAppender
    private let connections: any ConnectionStore
    private let notifier: any ViewerNotifier
    private let requestRepair: RequestRepair

    /// Has a hole looked for in the platform's log, after a while in which it may close by itself. `next` is the line
    /// that is wanted: asking twice for the same one does nothing more.
    package typealias RequestRepair = @Sendable (_ execution: ExecutionID, _ next: UInt64) async throws -> Void

    package init(
        ledger: any Ledger, connections: any ConnectionStore, notifier: any ViewerNotifier,
        limits: LedgerLimits = LedgerLimits(), requestRepair: @escaping RequestRepair,
        now: @escaping @Sendable () -> Timestamp
    ) {
        appender = LedgerAppender(ledger: ledger, limits: limits, now: now)
        self.connections = connections
        self.notifier = notifier
        self.requestRepair = requestRepair
    }

    /// Appends what is due of a batch, keeps what comes too early, and has a hole that this leaves looked into. Its
    /// message may be deleted only once this has returned.
    ///
    /// Viewers are notified also where nothing was appended: who appended it may have crashed before.
    package func sequence(_ events: [SourceEvent], of execution: ExecutionID) async throws {
        let batch = SourceBatch(events)
        let head = try await appender.take(batch, into: execution, keepsEarly: true)
        try await notifier.notify(everyoneIn: connections, of: execution, at: appender.now())
        guard !head.log.isEnded, !head.isFull, batch.first(above: head.next) != nil else { return }
        try await requestRepair(execution, head.next)
    }
}
