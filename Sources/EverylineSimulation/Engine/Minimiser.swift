/// Makes a run that breaks a promise as small as it can: fewer lines, fewer viewers, and only the faults that it takes.
package struct Minimiser {
    private let simulation = Simulation()
    private let seed: UInt64
    private let promise: Violation.Promise
    private var options: RunOptions
    private var faults: Int
    /// How many runs may be tried.
    private var budget = 3000

    /// - Returns: `nil` if the run of this seed breaks no promise.
    package init?(seed: UInt64, mutation: Mutation?) {
        var options = RunOptions()
        options.mutation = mutation
        let outcome = simulation.run(seed: seed, options: options)
        guard let violation = outcome.violation else { return nil }
        self.seed = seed
        self.promise = violation.promise
        self.options = options
        self.faults = outcome.faults
    }

    /// The violation of the smallest run that was found, how many faults it has left, and what happened in it.
    package mutating func minimise() -> (violation: Violation?, faults: Int, trace: [String]) {
        for viewers in 1...2 where tryOut({ $0.viewers = viewers }) { break }
        for lines in 0...8 where tryOut({ $0.lines = lines }) { break }
        var size = max(1, faults)
        while size > 0, budget > 0 {
            let before = options.suppressed.count
            var start = 0
            while start < faults {
                let chunk = Set(start..<min(start + size, faults)).subtracting(options.suppressed)
                if !chunk.isEmpty { _ = tryOut { $0.suppressed.formUnion(chunk) } }
                start += size
            }
            // Without one fault another may be of no use any more.
            if size > 1 || options.suppressed.count == before { size /= 2 }
        }
        options.isTraced = true
        let outcome = simulation.run(seed: seed, options: options)
        return (outcome.violation, outcome.faults - options.suppressed.count { $0 < outcome.faults }, outcome.trace)
    }

    /// Keeps a change if the run still breaks the same promise.
    private mutating func tryOut(_ change: (inout RunOptions) -> Void) -> Bool {
        guard budget > 0 else { return false }
        budget -= 1
        var changed = options
        change(&changed)
        let outcome = simulation.run(seed: seed, options: changed)
        guard outcome.violation?.promise == promise else { return false }
        options = changed
        faults = outcome.faults
        return true
    }
}
