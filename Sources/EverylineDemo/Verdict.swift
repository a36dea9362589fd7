import Everyline

/// What a viewer received, held against what the command wrote.
struct Verdict {
    private let received: Received
    private let expected: [LogLine]
    private var gaps = 0
    private var duplicates = 0
    private var differences = 0

    init(received: Received, written: [UInt8]) {
        self.received = received
        expected = Self.lines(of: written)
        var last = Offset.zero
        for event in received.events {
            if event.offset > last.next { gaps += 1 }
            if event.offset <= last { duplicates += 1 }
            last = max(last, event.offset)
        }
        let lines = received.events.compactMap { event -> LogLine? in
            if case .line(let line) = event.content { line } else { nil }
        }
        differences = zip(lines, expected).count { $0 != $1 } + abs(lines.count - expected.count)
    }

    /// Prints the last line of the demo.
    ///
    /// - Returns: whether all is as it must be.
    func print() -> Bool {
        // The command's lines, and the end.
        let total = expected.count + 1
        let exitCode = received.outcome?.exitCode.map(String.init) ?? "unknown"
        let isRight =
            gaps == 0 && duplicates == 0 && differences == 0 && received.events.count == total && received.isVerified
            && received.outcome?.using(nil) == ExecutionOutcome(status: .failed, exitCode: 3)
        let word = isRight ? "verified" : "NOT VERIFIED"
        let difference = differences == 0 ? "" : ", \(grouped(differences)) lines differ"
        Demo.say(
            "\(word): \(grouped(received.events.count))/\(grouped(total)) events, \(gaps) gaps, "
                + "\(duplicates) duplicates\(difference); exit \(exitCode)")
        return isRight
    }

    /// The lines that the bytes must have become, by the log's own rules.
    private static func lines(of written: [UInt8]) -> [LogLine] {
        var lines: [LogLine] = []
        var cutter = LineCutter()
        let add = { (line: UnsafeRawBufferPointer, isPartial: Bool) in
            lines.append(LogLine(message: String(decoding: line, as: UTF8.self), isPartial: isPartial))
        }
        written.withUnsafeBytes { cutter.feed($0, emit: add) }
        cutter.finish(emit: add)
        return lines
    }
}

/// `5213` as `5,213`.
func grouped(_ number: Int) -> String {
    var digits = String(number)
    var index = digits.count - 3
    while index > 0 {
        digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
        index -= 3
    }
    return digits
}
