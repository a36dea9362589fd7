/// What a doctor says of one thing.
package struct DoctorFinding: Sendable, Equatable, CustomStringConvertible {
    package enum Verdict: Sendable, Equatable {
        case good
        /// It isn't as it must be.
        case wrong
        /// It couldn't be looked at.
        case unknown
    }

    package let subject: String
    package let verdict: Verdict
    /// What was found, and for what is wrong what it means.
    package let text: String

    package init(_ subject: String, _ verdict: Verdict, _ text: String) {
        self.subject = subject
        self.verdict = verdict
        self.text = text
    }

    package var description: String {
        let mark =
            switch verdict {
            case .good: "ok     "
            case .wrong: "WRONG  "
            case .unknown: "?      "
            }
        return "\(mark) \(subject): \(text)"
    }
}

/// Gathers what is said of one subject.
struct DoctorNotes {
    let subject: String
    private(set) var findings: [DoctorFinding] = []

    init(_ subject: String) { self.subject = subject }

    /// - Parameters:
    ///   - good: what is said if it is as it must be.
    ///   - otherwise: what is said if not.
    mutating func check(_ condition: Bool, _ good: String, otherwise: String) {
        findings.append(DoctorFinding(subject, condition ? .good : .wrong, condition ? good : otherwise))
    }

    mutating func unknown(_ text: String) { findings.append(DoctorFinding(subject, .unknown, text)) }
}
