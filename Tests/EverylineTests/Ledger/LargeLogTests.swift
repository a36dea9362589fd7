import Everyline
import EverylineTesting
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `EVERYLINE_LARGE_LOG_LINES=100000,1000000,10000000` tries other sizes and prints the table of docs/aws-scale.md.
@Suite("A large log", .serialized)
struct LargeLogTests {
    /// The function's own, less what a start takes.
    private static let invocation: Duration = .seconds(120)
    private static let pause: Duration = .seconds(15)

    private struct Cost {
        var invocations = 1
        var pauses = 0
    }

    /// Reconciles until nothing more is to be done, each time with as much time as an invocation has.
    private func reconcile(_ log: LargeLog, stopped: Bool, forgets: Bool = false) async throws -> Cost {
        let reconciler = Reconciler(
            ledger: log, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(), now: { log.now })
        let end = Reconciler.Stopped(
            ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost), at: Timestamp(milliseconds: 1))
        var (request, cost) = (Reconciler.Request(stopped: stopped ? end : nil), Cost())
        while case .again(let next, let afterPause) = try await reconciler.reconcile(
            log.id, request, from: log, until: log.now + Self.invocation)
        {
            request = next
            cost.invocations += 1
            if afterPause { cost.pauses += 1 }
            if forgets, cost.invocations == 2 { log.forgetPosition() }
            try #require(cost.invocations < 1000)
        }
        return cost
    }

    /// Lets the Sequencer have what came before the lost batch and, as far as it keeps it, what came behind.
    private func sequence(_ log: LargeLog, lost: ClosedRange<UInt64>) async throws {
        let sequencer = Sequencer(
            ledger: log, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(),
            requestRepair: { _, _ in }, now: { log.now })
        for first in stride(from: UInt64(1), to: lost.upperBound + 70_000, by: 1000) where first <= log.lines {
            let numbers = first...min(first + 999, log.lines)
            guard !numbers.overlaps(lost) else { continue }
            try await sequencer.sequence(numbers.map(log.event), of: log.id)
        }
    }

    private static let sizes: [UInt64] =
        ProcessInfo.processInfo.environment["EVERYLINE_LARGE_LOG_LINES"]?.split(separator: ",").compactMap {
            UInt64($0)
        }
        ?? [20_000, 60_000]

    private static let isMeasuring = ProcessInfo.processInfo.environment["EVERYLINE_LARGE_LOG_LINES"] != nil

    /// What Ingest makes of lines of 100 bytes: messages of at most 160 KiB with what it counts beside a line's text,
    /// ten a step.
    @Test("is sequenced in one write a step of ten messages, however many lines those have", arguments: sizes)
    func loud(lines: UInt64) async throws {
        let log = LargeLog(lines: lines, hasEnd: true)
        let sequencer = Sequencer(
            ledger: log, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(),
            requestRepair: { _, _ in }, now: { log.now })
        let step = UInt64(160 * 1024 / (100 + 7 + 96) * 10)
        let firsts = Array(stride(from: UInt64(1), through: lines + 1, by: Int(step)))
        for first in firsts {
            try await sequencer.sequence((first...min(first + step - 1, lines + 1)).map(log.event), of: log.id)
        }
        #expect(log.head.log.isEnded && !log.head.hasLoss)
        #expect(log.counts.appends == firsts.count && log.counts.heads == firsts.count)
        guard Self.isMeasuring else { return }
        // Around its calls a step takes 50 ms.
        let time = log.counts.time + 50 * Int64(firsts.count)
        print(
            "| \(lines) lines, sequenced | \(log.counts.appends) writes | \(time) ms | \(Int64(lines) * 1000 / time) lines/s |"
        )
    }

    @Test("that lost a batch ends, each page read once but for the last minute's", arguments: sizes)
    func lostBatch(lines: UInt64) async throws {
        let log = LargeLog(lines: lines, hasEnd: true)
        try await sequence(log, lost: 5001...6000)
        #expect(log.head.next == 5001 && !log.head.parked.isEmpty)
        let cost = try await reconcile(log, stopped: false)
        #expect(log.head.log.isEnded && log.head.next == lines + 2 && !log.head.hasLoss)
        #expect(cost.pauses == 0)
        check(log, cost, "lost a batch")
    }

    @Test("whose command was killed ends, after the last minute was read twice more", arguments: sizes)
    func killed(lines: UInt64) async throws {
        let log = LargeLog(lines: lines, hasEnd: false)
        let cost = try await reconcile(log, stopped: true)
        #expect(log.head.log.isEnded && log.head.next == lines + 1)
        #expect(cost.pauses == 1)
        check(log, cost, "killed, nothing had come")
    }

    /// The last minute holds 67 pages at this pace; the end of an invocation reads none again.
    private func check(_ log: LargeLog, _ cost: Cost, _ name: String) {
        let counts = log.counts
        let minute = 67 + 1
        #expect(counts.mostReadings <= 3)
        #expect(counts.pages <= log.pages + 2 * min(minute, log.pages) + 2)
        // Each that gave way had used up its time.
        #expect(counts.time / 105_000 >= Int64(cost.invocations - cost.pauses - 1))
        guard Self.isMeasuring else { return }
        print("| \(log.lines) lines, \(name) | \(log.pages) | \(counts.pages) | \(counts.appends) |", terminator: "")
        print(" \(cost.invocations) | \(counts.time / 1000) s | \(Self.peakMemory) MiB |")
    }

    @Test("whose lines all came within a minute ends as well, though no invocation has the time to read them all")
    func withinTheMargin() async throws {
        let log = LargeLog(lines: 135_000, hasEnd: false, pace: 100, pageTime: .seconds(10))
        let cost = try await reconcile(log, stopped: true)
        #expect(log.head.log.isEnded && log.head.next == log.lines + 1)
        // Three readings of 15 pages, ten of which an invocation reads.
        #expect(log.counts.pages == 45 && log.counts.mostReadings == 3 && cost.invocations <= 7)
    }

    @Test("reads it anew where the source has forgotten the place")
    func forgotten() async throws {
        let log = LargeLog(lines: 135_000, hasEnd: false, pace: 100, pageTime: .seconds(10))
        let cost = try await reconcile(log, stopped: true, forgets: true)
        #expect(log.head.log.isEnded && log.head.next == log.lines + 1)
        #expect(log.counts.mostReadings == 4 && cost.invocations <= 9)
    }

    /// Of the process, in MiB.
    private static var peakMemory: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
    }
}
