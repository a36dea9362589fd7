import Everyline
import EverylineTesting
import Synchronization

/// One execution, its ledger in memory, and what a sequencer and a reconciler need besides.
struct LedgerFixture: Sendable {
    let id = Sample.id("e")
    let stores: InMemoryStores
    let connections = InMemoryConnections()
    let notifier = InMemoryViewerNotifier()
    let repairs = Repairs()

    init() async throws { stores = try await InMemoryStores.holding(id, []) }

    func sequencer(over ledger: (any Ledger)? = nil, limits: LedgerLimits = LedgerLimits()) -> Sequencer {
        Sequencer(
            ledger: ledger ?? stores, connections: connections, notifier: notifier, limits: limits,
            requestRepair: { _, next in repairs.note(next) }, now: { Timestamp(milliseconds: 9000) })
    }

    func reconciler(over ledger: (any Ledger)? = nil, limits: LedgerLimits = LedgerLimits()) -> Reconciler {
        Reconciler(
            ledger: ledger ?? stores, connections: connections, notifier: notifier, limits: limits,
            now: { Timestamp(milliseconds: 9000) })
    }

    var head: LedgerHead { get async throws { try await stores.ledgerHead(of: id) } }

    /// What the log says, line by line: a part with `…` behind it, a notice as `<code: message>`, the end as `<end>`.
    var texts: [String] {
        get async throws {
            var (texts, last) = ([String](), Offset.zero)
            while let block = try await stores.read(id, after: last, limit: .mebibytes(1)).block {
                texts += try LogEvent.decode(lines: block.bytes).map(\.text)
                last = block.last
            }
            return texts
        }
    }

    var outcome: ExecutionOutcome? {
        get async throws {
            let last = try await head.log.offset
            guard last > .zero,
                let block = try await stores.read(id, after: Offset(last.rawValue - 1), limit: 1000).block,
                case .end(let outcome) = try LogEvent.decode(lines: block.bytes).last?.content
            else { return nil }
            return outcome
        }
    }
}

/// The lines whose repair was asked for.
final class Repairs: Sendable {
    private let asked = Mutex<[UInt64]>([])

    func note(_ next: UInt64) { asked.withLock { $0.append(next) } }

    func take() -> [UInt64] {
        asked.withLock { asked in
            defer { asked.removeAll() }
            return asked
        }
    }
}

extension LogEvent {
    fileprivate var text: String {
        switch content {
        case .line(let line): line.message + (line.isPartial ? "…" : "")
        case .notice(let code, let message): "<\(code): \(message)>"
        case .end: "<end>"
        }
    }
}

/// A ledger that acts before a change is decided, so that a race happens every time.
struct StagedLedger: Ledger {
    let stores: InMemoryStores
    var beforeWrite: @Sendable (_ change: LedgerChange) async throws -> Void

    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        try await beforeWrite(change)
        return try await stores.write(change, to: execution, at: now)
    }

    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await stores.ledgerHead(of: execution)
    }

    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        try await stores.parked(lines, of: execution)
    }

    func head(of execution: ExecutionID) async throws -> LogHead { try await stores.head(of: execution) }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await stores.read(execution, after: offset, limit: limit)
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await stores.offset(in: execution, before: time)
    }
}

extension SourceEvent {
    /// `1 a`, `3+part`, `4=0`, or text without a number; each a millisecond after the one with the number before it.
    static func written(_ text: String, at time: Int64? = nil) -> SourceEvent {
        let event = SourceEvent(message: "\u{1E}" + text, at: .epoch)
        let place = Timestamp(milliseconds: time ?? Int64(event.number ?? 1))
        guard let number = event.number else { return SourceEvent(nil, .line, text, at: place) }
        return SourceEvent(number, event.kind, event.text, at: place)
    }
}
