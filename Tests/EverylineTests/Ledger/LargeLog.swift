import Everyline
import EverylineTesting
import Synchronization

/// A log of as many lines as a test wants, of which none is kept: the platform's pages are made when they are read, and
/// the ledger keeps its head alone. Every call costs the time that it takes on AWS, by a clock of its own, and is
/// counted.
final class LargeLog: LogSource, Ledger {
    struct Counts: Sendable, Equatable {
        var pages = 0
        /// The most that one page was read.
        var mostReadings = 0
        var appends = 0
        var heads = 0
        /// Milliseconds.
        var time: Int64 = 0
    }

    private struct State {
        var head = LedgerHead()
        var kept: [ClosedRange<UInt64>: SourceRun] = [:]
        var counts = Counts()
        var readings: [Int: Int] = [:]
        var forgets = false
    }

    let id = Sample.id("e")
    /// The command's lines; the number behind them is the end's, if there is one.
    let lines: UInt64
    let hasEnd: Bool
    /// How many lines a millisecond has.
    let pace: UInt64
    private let state: Mutex<State>

    private let pageTime: Int64

    /// FilterLogEvents gives at most 10,000 events and 1 MB; five requests a second are the account's quota.
    private static let page: UInt64 = 9000
    private static let writeTime: Int64 = 15
    private static let text = String(repeating: "x", count: 100)

    init(lines: UInt64, hasEnd: Bool, pace: UInt64 = 10, pageTime: Duration = .milliseconds(300)) {
        (self.lines, self.hasEnd, self.pace, self.pageTime) = (lines, hasEnd, pace, pageTime.milliseconds)
        state = Mutex(State())
    }

    var counts: Counts { state.withLock { $0.counts } }
    var head: LedgerHead { state.withLock { $0.head } }
    var now: Timestamp { Timestamp(milliseconds: 1_000_000 + counts.time) }

    /// Lets the source know no position any more, once.
    func forgetPosition() { state.withLock { $0.forgets = true } }

    /// The pages that there are.
    var pages: Int { Int((last + Self.page - 1) / Self.page) }

    private var last: UInt64 { lines + (hasEnd ? 1 : 0) }

    func event(_ number: UInt64) -> SourceEvent {
        let time = Timestamp(milliseconds: Int64(number / pace))
        guard number <= lines else {
            return SourceEvent(number, .end(ScriptEnd(exitCode: 0)), "0", at: time)
        }
        return SourceEvent(number, .line, Self.text, at: time)
    }

    // MARK: The platform's log

    func read(
        _ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?
    ) async throws -> SourcePage {
        let first = position.flatMap { UInt64($0.token) } ?? max(1, UInt64(start.milliseconds) * pace)
        let isForgotten = state.withLock { state in
            state.counts.pages += 1
            state.counts.time += pageTime
            // Pages that begin anywhere are counted by their first line's.
            state.readings[Int(first / Self.page), default: 0] += 1
            state.counts.mostReadings = max(state.counts.mostReadings, state.readings[Int(first / Self.page)] ?? 0)
            defer { if position != nil { state.forgets = false } }
            return state.forgets && position != nil
        }
        if isForgotten { throw LogSourceError.unknownPosition }
        guard first <= last else { return SourcePage(events: [], next: nil) }
        let end = min(first + Self.page - 1, last)
        return SourcePage(
            events: (first...end).map(event), next: end < last ? SourcePosition(token: "\(end + 1)") : nil)
    }

    // MARK: The ledger

    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        state.withLock { state in
            state.counts.heads += 1
            state.counts.time += 5
            return state.head
        }
    }

    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun? {
        state.withLock { $0.kept[lines] }
    }

    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool {
        state.withLock { state in
            guard change.applies(to: state.head) else { return false }
            state.head = change.to
            if let run = change.parks { state.kept[run.lines] = run }
            for lines in change.unparks { state.kept[lines] = nil }
            state.counts.appends += 1
            state.counts.time += Self.writeTime
            return true
        }
    }

    func head(of execution: ExecutionID) async throws -> LogHead { head.log }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        LogRead(block: nil, head: head.log)
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset { .zero }
}
