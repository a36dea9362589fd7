/// One thread's simulation: plays runs one after the other, each of them determined by its seed alone.
package final class Simulation {
    private let ledger = LedgerWorld(World())

    package init() {}

    /// How often each kind of fault has struck so far.
    package var faultCounts: [Int] { ledger.world.faults.counts }

    /// Plays one run; gives the first promise that it broke.
    package func run(seed: UInt64, mutation: Mutation? = nil) -> Violation? {
        var options = RunOptions()
        options.mutation = mutation
        return run(seed: seed, options: options).violation
    }

    func run(seed: UInt64, options: RunOptions) -> Outcome {
        ledger.run(seed: seed, options: options)
        return Outcome(
            violation: ledger.world.violation, faults: ledger.world.faults.injected, trace: ledger.world.trace)
    }

    struct Outcome {
        let violation: Violation?
        /// How many faults there were that could be left out.
        let faults: Int
        let trace: [String]
    }
}
