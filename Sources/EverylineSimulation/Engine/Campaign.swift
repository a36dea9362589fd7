import Dispatch
import Synchronization

/// Many runs, of consecutive seeds, on as many threads as are wanted. What comes out doesn't depend on their number.
package struct Campaign {
    private let firstSeed: UInt64
    private let schedules: Int
    private let threads: Int
    private let mutation: Mutation?
    private let deadline: ContinuousClock.Instant?
    /// How many violations end the campaign: those of the lowest seeds. A mutation is found by its first.
    private let violationLimit: Int

    package init(
        firstSeed: UInt64, schedules: Int, threads: Int, mutation: Mutation? = nil,
        deadline: ContinuousClock.Instant? = nil, violationLimit: Int = 10
    ) {
        self.firstSeed = firstSeed
        self.schedules = schedules
        self.threads = max(1, threads)
        self.mutation = mutation
        self.deadline = deadline
        self.violationLimit = violationLimit
    }

    package struct Report: Sendable {
        package fileprivate(set) var schedules = 0
        package fileprivate(set) var violations: [(seed: UInt64, violation: Violation)] = []
        package fileprivate(set) var faults = [Int](repeating: 0, count: Fault.allCases.count)
    }

    /// Plays the runs until all are done, the time is over, or enough promises were broken.
    package func run() -> Report {
        let report = Mutex(Report())
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let simulation = Simulation()
            var schedules = 0
            for number in stride(from: thread, to: self.schedules, by: threads) {
                let seed = firstSeed &+ UInt64(number)
                if isOver(before: seed, report.withLock { $0.violations }) { break }
                schedules += 1
                guard let violation = simulation.run(seed: seed, mutation: mutation) else { continue }
                report.withLock { report in
                    report.violations.append((seed, violation))
                    report.violations.sort { $0.seed < $1.seed }
                    report.violations.removeLast(max(0, report.violations.count - violationLimit))
                }
            }
            report.withLock { report in
                report.schedules += schedules
                for (index, count) in simulation.faultCounts.enumerated() { report.faults[index] += count }
            }
        }
        return report.withLock { $0 }
    }

    /// A thread that is behind the others goes on up to what they have found: its own violations may come before
    /// theirs.
    private func isOver(before seed: UInt64, _ violations: [(seed: UInt64, violation: Violation)]) -> Bool {
        if violations.count == violationLimit, let last = violations.last, last.seed < seed { return true }
        return deadline.map { ContinuousClock.now >= $0 } ?? false
    }
}
