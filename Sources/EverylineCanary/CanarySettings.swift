/// How much a canary writes, who follows it, and what is done to them.
package struct CanarySettings: Sendable {
    /// How many lines are written.
    package var lines: UInt64 = 10_000
    /// How many lines are due a second; 0 for as fast as the server takes them.
    package var rate: UInt64 = 5_000
    /// How many lines become due at once.
    package var batch: UInt64 = 1
    /// A line's text, in bytes.
    package var lineBytes = 64
    package var viewers = 10
    /// How often a connection is cut, over all viewers. Half as many pauses and half as many trickles come beside them.
    package var cuts = 20
    /// How many of the viewers stop reading, from their first lines until all others are done. Then they must catch up.
    package var stalled = 0
    /// How long a viewer may get nothing while there is something.
    package var patience: Duration = .seconds(30)
    /// Decides which fault hits which viewer, and when.
    package var seed: UInt64 = 0

    package init() {}

    /// The largest numbers that make sense; a sum of them doesn't overflow.
    package static let mostLines: UInt64 = 1_000_000_000_000
    package static let highestRate: UInt64 = 10_000_000
    package static let mostViewers = 10_000

    /// What is wrong with the settings, for people; `nil` if nothing is.
    package var fault: String? {
        if lines == 0 || viewers <= 0 || batch == 0 { return "there must be lines and viewers" }
        if lines > Self.mostLines || rate > Self.highestRate || batch > Self.mostLines || viewers > Self.mostViewers {
            return "at most \(Self.mostLines) lines, \(Self.highestRate) a second, \(Self.mostViewers) viewers"
        }
        if stalled < 0 || stalled >= viewers { return "one viewer must read: not all can be stalled" }
        if !(0...Self.mostViewers * 1000).contains(cuts) { return "between no cuts and \(Self.mostViewers * 1000)" }
        if !(NumberedLine.shortest...NumberedLine.longest).contains(lineBytes) {
            return "a line has \(NumberedLine.shortest) to \(NumberedLine.longest) bytes"
        }
        if patience <= .zero { return "a viewer needs some patience" }
        return nil
    }

    /// The number for one part of the canary: the same for the same seed.
    func seed(for part: Int) -> UInt64 { seed &+ UInt64(part) &* 0x9E37_79B9_7F4A_7C15 }
}
