package import Everyline

/// What came of holding a log against CloudWatch.
package struct LogVerification: Sendable, Equatable {
    /// How many numbered lines were compared and are the same in both.
    package internal(set) var same: UInt64 = 0
    /// How many messages CloudWatch has, duplicates and those without a number included.
    package internal(set) var messages: UInt64 = 0
    /// How often CloudWatch has a number again, with the same text.
    package internal(set) var duplicates: UInt64 = 0
    /// The lines that the log says it has given up, and how many of them have come after all.
    package internal(set) var lost: [ClosedRange<UInt64>] = []
    package internal(set) var late: UInt64 = 0
    /// What was written past the script: the messages in CloudWatch, and the notices in the log. They needn't be as
    /// many.
    package internal(set) var unnumbered: (messages: UInt64, notices: UInt64) = (0, 0)
    /// Whether the log reached its limit, behind which it holds nothing to compare.
    package internal(set) var isFull = false
    /// How the log ends.
    package internal(set) var outcome: ExecutionOutcome?
    /// What differs: the first of it.
    package private(set) var differences: [String] = []
    /// How much more differs.
    package private(set) var furtherDifferences: UInt64 = 0

    /// How many differences are named.
    static let namedDifferences = 50

    package var isSame: Bool { differences.isEmpty }

    mutating func differs(_ what: @autoclosure () -> String) {
        guard differences.count < Self.namedDifferences else { return furtherDifferences += 1 }
        differences.append(what())
    }

    package static func == (one: Self, other: Self) -> Bool { one.summary == other.summary }

    /// All of it, a line each, for people.
    package var summary: [String] {
        var lines = ["\(same) numbered lines are the same in the log and in CloudWatch (\(messages) messages)"]
        if duplicates > 0 { lines.append("\(duplicates) messages came again, with the same text") }
        for range in lost {
            lines.append("the log says that \(Self.name(range)) lost; \(Self.isOrAre(range)) not in CloudWatch")
        }
        if late > 0 { lines.append("\(late) lines that were given up came later, and are notices") }
        if unnumbered != (0, 0) {
            lines.append(
                "\(unnumbered.messages) messages were written past the script, and \(unnumbered.notices) notices tell of "
                    + "them: they have no number, and are not counted")
        }
        if isFull { lines.append("the log reached its limit: what follows is in CloudWatch only") }
        if let outcome {
            let code = outcome.exitCode.map { ", exit code \($0)" } ?? ""
            lines.append(
                "the log ends as \(outcome.status.rawValue)\(code)\(outcome.isVerified == true ? ", verified" : "")")
        }
        lines += differences.map { "DIFFERS: \($0)" }
        if furtherDifferences > 0 { lines.append("DIFFERS: \(furtherDifferences) more") }
        return lines
    }

    private static func name(_ range: ClosedRange<UInt64>) -> String {
        range.count == 1 ? "line \(range.lowerBound) is" : "lines \(range.lowerBound) to \(range.upperBound) are"
    }

    private static func isOrAre(_ range: ClosedRange<UInt64>) -> String { range.count == 1 ? "it is" : "they are" }
}

/// Why a log can't be held against CloudWatch.
package enum VerificationError: Error, Equatable, CustomStringConvertible {
    case unknownExecution
    case hasNotEnded
    /// Its lines never went through CloudWatch.
    case isProducedElsewhere
    case hasNoTask
    /// CloudWatch keeps nothing of it, and the log holds lines.
    case isNotInCloudWatch

    package var description: String {
        switch self {
        case .unknownExecution: "There is no such execution, or it is kept no more."
        case .hasNotEnded: "The execution has not ended. Its log can be compared once it has."
        case .isProducedElsewhere:
            "The execution's lines came from `exec`, `pipe` or another producer, and never were in CloudWatch."
        case .hasNoTask: "No task is known of the execution, so it isn't known which stream of CloudWatch is its own."
        case .isNotInCloudWatch: "CloudWatch holds nothing of the execution; most likely it is kept there no more."
        }
    }
}
