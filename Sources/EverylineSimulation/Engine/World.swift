import Everyline

/// What both worlds have: time, chance, faults, and a record of what happened.
struct World {
    var random = RandomSource(seed: 0)
    var faults = FaultInjector()
    var now: Int64 = 0
    var mutation: Mutation?
    /// The first promise that was broken.
    private(set) var violation: Violation?
    private var lines: [String]?

    mutating func begin(seed: UInt64, options: RunOptions) {
        random = RandomSource(seed: seed)
        faults.begin(suppressing: options.suppressed)
        now = 0
        mutation = options.mutation
        violation = nil
        lines = options.isTraced ? [] : nil
    }

    var isTraced: Bool { lines != nil }
    var trace: [String] { lines ?? [] }
    var time: Timestamp { Timestamp(milliseconds: Self.epoch + now) }
    /// When the worlds begin. Clocks may be wrong by years in both directions.
    static let epoch: Int64 = 1_700_000_000_000

    /// Says what happens, for a reader of the trace.
    mutating func tell(_ what: @autoclosure () -> String) {
        guard isTraced else { return }
        let seconds = String(now / 1000)
        let milliseconds = String(1000 + now % 1000).dropFirst()
        let padding = String(repeating: " ", count: max(0, 5 - seconds.count))
        let line = padding + seconds + "." + milliseconds + "  " + what()
        lines?.append(line)
    }

    mutating func injects(_ fault: Fault, _ perMille: Int) -> Bool {
        guard faults.injects(fault, perMille, &random) else { return false }
        let number = faults.injected - 1
        tell("   ** fault #\(number): \(fault.name)")
        return true
    }

    mutating func note(_ fault: Fault) {
        faults.note(fault)
        tell("   ** \(fault.name)")
    }

    /// Holds a promise against what happened. The first that is broken ends the run.
    mutating func require(
        _ condition: Bool, _ promise: Violation.Promise, _ what: @autoclosure () -> String
    ) {
        guard !condition, violation == nil else { return }
        let broken = Violation(promise: promise, what: what())
        violation = broken
        tell("   !! \(broken)")
    }
}

/// What one run is to do beside its seed.
struct RunOptions {
    var mutation: Mutation?
    /// Faults to leave out, by their number.
    var suppressed: Set<Int> = []
    var isTraced = false
    /// At the most this many lines and viewers; for making a failing run small.
    var lines = Int.max
    var viewers = Int.max
}
