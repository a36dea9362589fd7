import EverylineSimulation

@main struct Simulate {
    static func main() {
        let a = CommandLine.arguments
        let n = Int(a[1]) ?? 1
        let mutation = a.count > 3 ? Mutation(rawValue: a[3]) : nil
        let first = UInt64(a[2]) ?? 1
        let s = Simulation()
        let start = ContinuousClock.now
        var bad = 0
        for seed in first..<(first + UInt64(n)) {
            if let v = s.run(seed: seed, mutation: mutation) {
                bad += 1
                if bad <= 5 { print(seed, v) }
                if bad == 1 && n == 1 { print(s.trace(seed: seed, mutation: mutation).joined(separator: "\n")) }
            }
        }
        print(n, bad, ContinuousClock.now - start)
        if n > 1 { for f in Fault.allCases { print(f.name, s.faultCounts[f.rawValue], terminator: "; ") } }
        print()
    }
}
