import Testing

@testable import EverylineCanary

@Suite("A fault plan") struct FaultPlanTests {
    private var settings: CanarySettings {
        var settings = CanarySettings()
        (settings.viewers, settings.stalled, settings.cuts, settings.seed) = (7, 2, 23, 41)
        return settings
    }

    @Test("is the same for the same seed, and another for another one")
    func seeds() {
        var other = settings
        other.seed = 42
        #expect(FaultPlan.plans(settings) == FaultPlan.plans(settings))
        #expect(FaultPlan.plans(settings) != FaultPlan.plans(other))
    }

    @Test("spreads all cuts over the viewers that read, in the order of their lines")
    func cuts() {
        let plans = FaultPlan.plans(settings)
        let cuts = plans.map { $0.entries.count { $0.fault.isCut } }
        #expect(cuts == [5, 5, 5, 4, 4, 0, 0])
        for plan in plans {
            #expect(plan.entries.map(\.line) == plan.entries.map(\.line).sorted())
            #expect(plan.entries.allSatisfy { (1...settings.lines).contains($0.line) })
        }
    }
}
