import EverylineSimulation
import Testing

@Suite("The simulation")
struct SimulationTests {
    @Test("keeps every promise in both forms")
    func promises() {
        let report = Campaign(firstSeed: 1, schedules: 1000, threads: 2).run()
        #expect(report.schedules == 1000)
        #expect(report.violations.map(\.violation) == [])
    }

    @Test("plays the same run for the same seed, on any number of threads")
    func determinism() throws {
        let one = Campaign(firstSeed: 77, schedules: 600, threads: 1).run()
        let three = Campaign(firstSeed: 77, schedules: 600, threads: 3).run()
        #expect(one.faults == three.faults)
        let first = Campaign(firstSeed: 1, schedules: 5000, threads: 2, mutation: .fence, violationLimit: 1).run()
        let found = try #require(first.violations.first)
        for _ in 1...3 { #expect(Simulation().run(seed: found.seed, mutation: .fence) == found.violation) }
    }

    @Test("uses every kind of fault")
    func faults() {
        let report = Campaign(firstSeed: 5000, schedules: 2000, threads: 2).run()
        for fault in Fault.allCases { #expect(report.faults[fault.rawValue] > 0, "\(fault.name)") }
    }

    @Test("misses each mechanism that is switched off", arguments: Mutation.allCases)
    func mutations(mutation: Mutation) throws {
        let report = Campaign(firstSeed: 1, schedules: 20_000, threads: 2, mutation: mutation, violationLimit: 1).run()
        let found = try #require(report.violations.first)
        #expect(mutation.breaks.contains(found.violation.promise), "\(found.violation)")
    }

    @Test("makes a failing run small, and tells what happened in it", arguments: [Mutation.reconcile, .silentLoss])
    func minimising(mutation: Mutation) throws {
        let report = Campaign(firstSeed: 1, schedules: 20_000, threads: 2, mutation: mutation, violationLimit: 1).run()
        let found = try #require(report.violations.first)
        var minimiser = try #require(Minimiser(seed: found.seed, mutation: mutation))
        let smallest = minimiser.minimise()
        #expect(smallest.violation?.promise == found.violation.promise)
        #expect(smallest.faults <= 4)
        #expect(smallest.trace.contains { $0.contains("!!") })
        if Minimiser(seed: found.seed, mutation: nil) != nil { Issue.record("it fails by itself") }
    }
}

extension Mutation {
    /// What may be seen to break without the mechanism.
    fileprivate var breaks: Set<Violation.Promise> {
        switch self {
        case .fence: [.gapFree, .end]
        case .compareAndSet: [.order, .durableBeforeVisible, .end]
        case .numbers: [.order, .live, .honest, .gapFree]
        case .keptRuns: [.durableBeforeVisible]
        case .silentGap: [.honest, .durableBeforeVisible]
        case .secondReading: [.durableBeforeVisible, .honest]
        case .reconcile: [.durableBeforeVisible]
        case .resumeFirst: [.end]
        case .settling: [.live]
        case .probe: [.live]
        case .ping: [.live]
        case .postBeforeCommit: [.gapFree, .end]
        case .endAsEvent: [.end]
        case .wakeupRecheck: [.live]
        case .timestampCursor: [.gapFree, .end]
        case .pendingPlace: [.honest]
        case .waitForRoom: [.harmless]
        case .heldOutput: [.honest, .order, .live]
        case .foreignAnswers: [.honest]
        case .foreignHeads: [.durableBeforeVisible, .live, .honest]
        case .acknowledgement: [.durableBeforeVisible, .honest, .end]
        case .successor: [.live]
        case .restoreBase: [.honest, .gapFree, .end]
        case .shift, .parts: [.honest, .live, .order, .durableBeforeVisible]
        case .silentLoss: [.honest, .end]
        }
    }
}
