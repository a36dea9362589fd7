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
        let others = Campaign(firstSeed: 1, schedules: 5000, threads: 7, mutation: .fence, violationLimit: 1).run()
        #expect(others.violations.map(\.seed) == [found.seed])
        for _ in 1...3 { #expect(Simulation().run(seed: found.seed, mutation: .fence) == found.violation) }
    }

    @Test("uses every kind of fault")
    func faults() {
        let report = Campaign(firstSeed: 5000, schedules: 2000, threads: 2).run()
        for fault in Fault.allCases { #expect(report.faults[fault.rawValue] > 0, "\(fault.name)") }
    }

    @Test("makes a failing run small, and tells what happened in it", arguments: [Mutation.reconcile, .silentLoss])
    func minimising(mutation: Mutation) throws {
        let report = Campaign(firstSeed: 1, schedules: 20_000, threads: 2, mutation: mutation, violationLimit: 1).run()
        let found = try #require(report.violations.first)
        var minimiser = try #require(Minimiser(seed: found.seed, mutation: mutation))
        let smallest = minimiser.minimise()
        #expect(smallest.violation?.promise == found.violation.promise)
        #expect(smallest.faults <= 8)
        #expect(smallest.trace.contains { $0.contains("!!") })
        if Minimiser(seed: found.seed, mutation: nil) != nil { Issue.record("it fails by itself") }
    }
}
