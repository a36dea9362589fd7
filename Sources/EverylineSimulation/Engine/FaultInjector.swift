/// Decides where a run goes wrong, counts it, and can leave single faults out, which is how a failing run is made
/// small.
struct FaultInjector {
    private(set) var counts = [Int](repeating: 0, count: Fault.allCases.count)
    /// How many faults this run has had.
    private(set) var injected = 0
    /// The faults of this run that are to be left out, by their number.
    var suppressed: Set<Int> = []
    /// Nothing goes wrong any more: what is then not done by itself never will be.
    var isOver = false

    mutating func begin(suppressing suppressed: Set<Int>) {
        injected = 0
        self.suppressed = suppressed
        isOver = false
    }

    /// Whether this goes wrong now. Draws one number in any case, so that leaving out one fault changes no other.
    mutating func injects(_ fault: Fault, _ perMille: Int, _ random: inout RandomSource) -> Bool {
        let isChosen = random.chance(perMille)
        guard isChosen, !isOver else { return false }
        let number = injected
        injected += 1
        if !suppressed.isEmpty, suppressed.contains(number) { return false }
        counts[fault.rawValue] += 1
        return true
    }

    /// Counts what follows from other faults, or from chance.
    mutating func note(_ fault: Fault) { counts[fault.rawValue] += 1 }
}
