import EverylineTesting
import NIOCore
import Testing

@testable import Everyline
@testable import EverylineAWS

@Suite("A log that is held against CloudWatch")
struct LogVerifierTests {
    private let stores = InMemoryStores()
    private let id = Sample.id("e")
    private let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: 1_790_000_000_000) }

    init() async throws {
        _ = try await stores.create(Sample.execution("e"), appendToken: Sample.hash("e"), idempotency: nil)
    }

    /// `1 text`, `2+part`, `3=0` as the script numbers them; anything else has no number.
    private func events(_ lines: [String]) -> [SourceEvent] {
        lines.map { line in
            let numbered = SourceEvent(message: "\u{1E}" + line, at: .epoch)
            return numbered.number == nil ? SourceEvent(message: line, at: .epoch) : numbered
        }
    }

    /// Has the log made from what CloudWatch brings.
    private func log(_ batches: [String]..., limits: LedgerLimits = LedgerLimits()) async throws {
        let sequencer = Sequencer(
            ledger: stores, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(), limits: limits,
            requestRepair: { _, _ in }, now: now)
        for batch in batches { try await sequencer.sequence(events(batch), of: id) }
    }

    /// Has the log finished by what a reconciler reads, and by ECS's word.
    private func reconcile(_ lines: String...) async throws {
        let reconciler = Reconciler(
            ledger: stores, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(), now: now)
        let stopped = Reconciler.Stopped(ExecutionOutcome(status: .failed, exitCode: 137), at: .epoch)
        var request = Reconciler.Request(stopped: stopped)
        while case .again(let next, _) = try await reconciler.reconcile(
            id, request, from: InMemoryLogSource(events(lines)), until: .maximum)
        { request = next }
    }

    private func verify(_ lines: String..., limits: LedgerLimits = LedgerLimits()) async throws -> LogVerification {
        let directory = try TemporaryDirectory()
        return try await LogVerifier(
            ledger: stores, source: InMemoryLogSource(events(lines)), lineLimit: limits.line
        ).verify(id, keepingDigestsIn: directory.path)
    }

    @Test("is the same if each line is, in whatever order and however often CloudWatch has them")
    func same() async throws {
        try await log(["1 a", "2 ", "3+b", "4 c"], ["5=3"])
        let result = try await verify("4 c", "1 a", "3+b", "5=3", "2 ", "1 a", "5=3")
        #expect(result.differences == [] && result.isSame)
        #expect(result.same == 4 && result.duplicates == 2 && result.messages == 7)
        #expect(result.outcome?.exitCode == 3 && result.outcome?.isVerified == true)
    }

    @Test(
        "differs where it does, and says where",
        arguments: [
            (["1 a", "2 b", "3=0"], ["1 a", "2 B", "3=0"], "line 2, at offset 2, is another one in CloudWatch"),
            (["1 a", "2 b", "3=0"], ["1 a", "3=0"], "line 2 is in the log, at offset 2, and not in CloudWatch: 'b'"),
            (["1 a", "2 b", "3=0"], ["1 a", "2+b", "3=0"], "line 2, at offset 2, does not go on"),
            (["1 a", "2=0"], ["1 a", "2=1"], "exit code 0, the script with 1"),
            (
                ["1 a", "2=0"], ["1 a", "2=0", "3 b", "9 c"], "numbers from 3 to 9 are in CloudWatch and not in the log"
            ),
            (["1 a", "2=0"], ["1 a"], "verified, although CloudWatch has no end"),
            (["1 a", "2=0"], ["1 a", "1 b", "2=0"], "line 1 is in CloudWatch with two texts"),
            (["past", "1 a", "2=0"], ["1 a", "2=0"], "tells of a message that is not in CloudWatch: 'past'"),
            // A line moved from one number to another.
            (["1 a", "2 b", "3 c", "4=0"], ["1 b", "2 a", "3 c", "4=0"], "line 1, at offset 1"),
        ])
    func differs(logged: [String], kept: [String], says: String) async throws {
        try await log(logged)
        let directory = try TemporaryDirectory()
        let result = try await LogVerifier(ledger: stores, source: InMemoryLogSource(events(kept)))
            .verify(id, keepingDigestsIn: directory.path)
        #expect(!result.isSame)
        #expect(result.differences.contains { $0.contains(says) }, "\(result.differences)")
    }

    @Test("may lack what CloudWatch lost, and tell of it later; what it gave up and CloudWatch has is named")
    func lost() async throws {
        try await log(["1 a", "5 e"])
        try await reconcile("1 a", "5 e")
        let same = try await verify("1 a", "5 e")
        #expect(same.differences == [] && same.lost == [2...4] && same.outcome?.isVerified == false)
        let shown = try await verify("1 a", "3 c", "5 e")
        #expect(shown.differences == ["line 3, which the log has given up, is in CloudWatch"])
    }

    @Test("may tell of a line that came after it was given up")
    func late() async throws {
        try await log(["1 a", "3 c"])
        let reconciler = Reconciler(
            ledger: stores, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(), now: now)
        let source = InMemoryLogSource(events(["1 a", "3 c"]))
        var request = Reconciler.Request()
        while case .again(let next, _) = try await reconciler.reconcile(id, request, from: source, until: .maximum) {
            request = next
        }
        try await log(["2 b"], ["4=0"])
        let result = try await verify("1 a", "2 b", "3 c", "4=0")
        #expect(result.differences == [] && result.late == 1 && result.lost == [2...2])
        let other = try await verify("1 a", "2 B", "3 c", "4=0")
        #expect(other.differences == ["line 2, which came late to offset 4, is another one in CloudWatch"])
    }

    @Test("may hold what was written past the script more often, or less often, than CloudWatch")
    func unnumbered() async throws {
        try await log(["past", "1 a"], ["past", "2=0"])
        let result = try await verify("past", "other", "1 a", "2=0")
        #expect(result.differences == [] && result.unnumbered == (2, 2))
    }

    @Test("is not compared behind the notice that it is full, but ends with the script's exit code")
    func full() async throws {
        let limits = LedgerLimits(log: 1)
        try await log(["1 a", "2 b", "3 c"], ["4=7"], limits: limits)
        let result = try await verify("1 a", "2 b", "3 c", "4=7")
        #expect(result.differences == [] && result.isFull && result.same < 3 && result.outcome?.exitCode == 7)
        #expect(try await verify("1 a", "2 b", "3 c", "4=8").differences.count == 1)
    }

    @Test("has a line that was cut for it compared as one")
    func cut() async throws {
        let limits = LedgerLimits(line: 10)
        let long = String(repeating: "ü", count: 12)
        try await log(["1 \(long)", "2 b", "3=0"], limits: limits)
        #expect(try await verify("1 \(long)", "2 b", "3=0", limits: limits).differences == [])
        #expect(try await verify("1 \(long)x", "2 b", "3=0", limits: limits).differences.count == 1)
    }

    @Test(
        "is compared in bounded memory, across the windows of the digests' file, and each difference is named up to a bound"
    )
    func long() async throws {
        let count = 20_000
        let lines = (1...count).map { "\($0) line \($0)" }
        try await log(lines + ["\(count + 1)=0"])
        let source = InMemoryLogSource(events(lines.reversed() + ["\(count + 1)=0"]), pageSize: 10_000)
        let directory = try TemporaryDirectory()
        let same = try await LogVerifier(ledger: stores, source: source).verify(id, keepingDigestsIn: directory.path)
        #expect(same.differences == [] && same.same == UInt64(count))
        let other = InMemoryLogSource(events(lines.map { $0 + "!" } + ["\(count + 1)=0"]), pageSize: 10_000)
        let differs = try await LogVerifier(ledger: stores, source: other).verify(id, keepingDigestsIn: directory.path)
        #expect(differs.differences.count == LogVerification.namedDifferences)
        #expect(differs.furtherDifferences == UInt64(count - LogVerification.namedDifferences))
    }

    @Test("can't be compared before it has ended, or once CloudWatch has nothing of it")
    func incomparable() async throws {
        try await log(["1 a"])
        await #expect(throws: VerificationError.hasNotEnded) { try await verify("1 a") }
        try await log(["2=0"])
        await #expect(throws: VerificationError.isNotInCloudWatch) { try await verify() }
    }
}
