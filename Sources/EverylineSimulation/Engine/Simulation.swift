/// One thread's simulation: plays runs one after the other, each of them determined by its seed alone.
package final class Simulation {
    private let ledger = LedgerWorld(World())
    private let embedded = EmbeddedWorld(World())

    package init() {}

    /// How often each kind of fault was injected so far.
    package var faultCounts: [Int] {
        zip(ledger.world.faults.counts, embedded.world.faults.counts).map(+)
    }

    /// Plays one run; gives the first promise that it broke.
    package func run(seed: UInt64, mutation: Mutation? = nil) -> Violation? {
        var options = RunOptions()
        options.mutation = mutation
        return run(seed: seed, options: options).violation
    }

    func run(seed: UInt64, options: RunOptions) -> Outcome {
        // Two of five runs are of the embedded form.
        if seed % 5 < 2 {
            embedded.run(seed: seed, options: options)
            return Outcome(embedded.world)
        }
        ledger.run(seed: seed, options: options)
        return Outcome(ledger.world)
    }

    struct Outcome {
        let violation: Violation?
        /// How many faults there were that could be left out.
        let faults: Int
        let trace: [String]

        init(_ world: World) {
            violation = world.violation
            faults = world.faults.injected
            trace = world.trace
        }
    }
}
