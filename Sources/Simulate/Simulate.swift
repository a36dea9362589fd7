import EverylineSimulation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Plays simulated runs of both forms, and says whether a promise was broken. Exits with 0 only if it is as it should
/// be.
@main struct Simulate {
    static func main() {
        do {
            let arguments = try SimulateArguments(CommandLine.arguments.dropFirst())
            if arguments.wantsHelp { return print(SimulateArguments.help) }
            let isAsItShould = arguments.checksMutations ? checkMutations(arguments) : simulate(arguments)
            if !isAsItShould { exit(1) }
        } catch {
            print("\(error)\n\n\(SimulateArguments.help)")
            exit(64)
        }
    }

    private static func simulate(_ arguments: SimulateArguments) -> Bool {
        let deadline = arguments.duration.map { ContinuousClock.now + $0 }
        let schedules = arguments.duration == nil ? arguments.schedules : Int.max
        let start = ContinuousClock.now
        let report = Campaign(
            firstSeed: arguments.seed, schedules: schedules, threads: arguments.threads, mutation: arguments.mutation,
            deadline: deadline, violationLimit: arguments.isBrief ? 1 : 10
        ).run()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let areFaultsEnough = printFaults(report, atLeast: arguments.leastFaults)
        if let first = report.violations.first { explain(first.seed, first.violation, arguments) }
        print(
            "\(Int(Double(report.schedules) / max(seconds, 0.001))) schedules a second on \(arguments.threads) threads")
        let violations = report.violations.count
        print("\(report.schedules) schedules, \(violations) violations, seed \(arguments.seed)")
        return report.violations.isEmpty && areFaultsEnough
    }

    /// How often each kind of fault was injected. Says whether that was often enough.
    private static func printFaults(_ report: Campaign.Report, atLeast least: Int) -> Bool {
        print("Faults:")
        for fault in Fault.allCases {
            let count = report.faults[fault.rawValue]
            print("  \(fault.name.padded(to: 22)) \(count)\(count < least ? ", which is too few" : "")")
        }
        return report.faults.allSatisfy { $0 >= least }
    }

    /// What broke, how to see it again, and the smallest run in which it does.
    private static func explain(_ seed: UInt64, _ violation: Violation, _ arguments: SimulateArguments) {
        print("\nVIOLATION in the run of seed \(seed): \(violation)")
        let mutation = arguments.mutation.map { " --mutate \($0.rawValue)" } ?? ""
        print("Play it again: simulate --schedules 1 --seed \(seed)\(mutation)")
        guard !arguments.isBrief, var minimiser = Minimiser(seed: seed, mutation: arguments.mutation) else { return }
        let smallest = minimiser.minimise()
        print("The smallest run found that breaks the same promise, with \(smallest.faults) faults:\n")
        for line in smallest.trace { print(line) }
        print("")
    }

    /// Switches off one mechanism after the other: each must be missed, by the promises that it keeps.
    private static func checkMutations(_ arguments: SimulateArguments) -> Bool {
        var areAllFound = true
        for mutation in Mutation.allCases {
            let report = Campaign(
                firstSeed: arguments.seed, schedules: arguments.schedules, threads: arguments.threads,
                mutation: mutation,
                violationLimit: 1
            ).run()
            let name = mutation.rawValue.padded(to: 18)
            if let first = report.violations.first {
                let isExpected = mutation.breaks.contains(first.violation.promise)
                areAllFound = areAllFound && isExpected
                let found = isExpected ? "found" : "FOUND BY ANOTHER PROMISE"
                print("\(name) \(found) in the run of seed \(first.seed): \(first.violation)")
            } else {
                areAllFound = false
                print("\(name) NOT FOUND in \(report.schedules) schedules")
            }
        }
        print(areAllFound ? "every mutation was found" : "a mutation was NOT found as it should be")
        return areAllFound
    }
}

extension String {
    fileprivate func padded(to length: Int) -> String {
        self + String(repeating: " ", count: max(0, length - count))
    }
}
