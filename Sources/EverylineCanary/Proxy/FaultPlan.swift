import Everyline

/// What is done to one viewer's connection, and behind which line.
struct FaultPlan: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let line: UInt64
        let fault: ConnectionFault
    }

    /// In the order of their lines.
    let entries: [Entry]

    /// Spreads the settings' cuts over their viewers, and pauses and trickles between. Those that stall get nothing
    /// else.
    static func plans(_ settings: CanarySettings) -> [FaultPlan] {
        let active = settings.viewers - settings.stalled
        return (0..<settings.viewers).map { viewer in
            guard viewer < active else { return FaultPlan(entries: []) }
            var generator = SeededGenerator(seed: settings.seed(for: viewer))
            let cuts = share(of: settings.cuts, for: viewer, among: active)
            let others = share(of: settings.cuts / 2, for: viewer, among: active)
            let faults =
                (0..<cuts).map { _ in cut(&generator) } + (0..<others).map { _ in pause(&generator) }
                + (0..<others).map { _ in trickle(&generator) }
            // Behind the last lines there would be nothing left that could be lost.
            let last = max(1, settings.lines - settings.lines / 20)
            let entries = faults.map { Entry(line: .random(in: 1...last, using: &generator), fault: $0) }
            return FaultPlan(entries: entries.sorted { $0.line < $1.line })
        }
    }

    private static func share(of count: Int, for viewer: Int, among viewers: Int) -> Int {
        count / viewers + (viewer < count % viewers ? 1 : 0)
    }

    private static func cut(_ generator: inout SeededGenerator) -> ConnectionFault {
        .cut(afterBytes: .random(in: 0..<4096, using: &generator), abruptly: .random(using: &generator))
    }

    private static func pause(_ generator: inout SeededGenerator) -> ConnectionFault {
        .pause(.milliseconds(Int.random(in: 5...250, using: &generator)))
    }

    private static func trickle(_ generator: inout SeededGenerator) -> ConnectionFault {
        .trickle(crumbs: .random(in: 8...128, using: &generator), seed: generator.next())
    }
}

/// What a network can do to a connection.
package enum ConnectionFault: Sendable, Equatable {
    /// Ends it within a message: after so many bytes more, or soon if they don't come. Abruptly is with a reset and not
    /// in order.
    case cut(afterBytes: Int, abruptly: Bool)
    /// Lets nothing through for this long.
    case pause(Duration)
    /// Lets the next bytes through in so many crumbs, whose sizes come from the seed.
    case trickle(crumbs: Int, seed: UInt64)

    var isCut: Bool {
        if case .cut = self { true } else { false }
    }
}
