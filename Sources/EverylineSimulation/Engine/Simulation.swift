/// One thread's simulation: plays runs one after the other, each of them determined by its seed.
package final class Simulation {
    private let ledger = LedgerWorld(World())

    package init() {}

    /// How often each kind of fault has struck so far.
    package var faultCounts: [Int] { ledger.world.faults.counts }

    package func run(seed: UInt64, mutation: Mutation? = nil) -> Violation? {
        var options = RunOptions()
        options.mutation = mutation
        return run(seed: seed, options: options).violation
    }

    func run(seed: UInt64, options: RunOptions) -> (violation: Violation?, trace: [String]) {
        ledger.run(seed: seed, options: options)
        return (ledger.world.violation, ledger.world.trace)
    }

    package func trace(seed: UInt64, mutation: Mutation?) -> [String] {
        var options = RunOptions()
        options.mutation = mutation
        options.isTraced = true
        return run(seed: seed, options: options).trace
    }
}
