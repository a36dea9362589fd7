/// One message of the platform's log (CloudWatch), before it has an offset.
///
/// The runner script numbers each line where it is written: a message is U+001E, the number (decimal, from 1 without
/// holes), one character for the kind, and the text. So `␞1 a` is a line, `␞2 ` an empty one, `␞3+part` a part of a
/// line that goes on in the next message, and `␞4=3` the end with its exit code, perhaps with a word behind it: `␞4=124
/// timed_out`. Everything else is something that a command wrote past the script: it has no number.
package struct SourceEvent: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case line
        /// A part of a line that goes on in the event with the next number.
        case part
        case end(ScriptEnd)
    }

    /// When the platform's log driver read it. It may go backwards.
    package let timestamp: Timestamp
    /// `nil` for what has not come through the script.
    package let number: UInt64?
    package let kind: Kind
    package let text: String

    /// As far as awk counts exactly.
    package static let largestNumber: UInt64 = 1 << 53

    package init(_ number: UInt64?, _ kind: Kind = .line, _ text: String, at timestamp: Timestamp) {
        self.timestamp = timestamp
        self.number = number
        self.kind = kind
        self.text = text
    }

    /// Reads a message. What isn't exactly as the script writes it is text without a number.
    package init(message: String, at timestamp: Timestamp) {
        self = Self.numbered(message, at: timestamp) ?? SourceEvent(nil, .line, message, at: timestamp)
    }

    private static func numbered(_ message: String, at timestamp: Timestamp) -> SourceEvent? {
        let bytes = message.utf8
        guard bytes.first == 0x1E else { return nil }
        let afterMark = bytes.dropFirst()
        let afterNumber = afterMark.drop { (0x30...0x39).contains($0) }
        guard let sign = afterNumber.first, afterMark.first != UInt8(ascii: "0"),
            let number = Offset(decimal: message[afterMark.startIndex..<afterNumber.startIndex])?.rawValue,
            (1...largestNumber).contains(number)
        else { return nil }
        // The kind is one byte of ASCII, so what follows it begins with a whole character of UTF-8.
        let text = String(Substring(afterNumber.dropFirst()))
        switch sign {
        case UInt8(ascii: " "): return SourceEvent(number, .line, text, at: timestamp)
        case UInt8(ascii: "+"): return SourceEvent(number, .part, text, at: timestamp)
        case UInt8(ascii: "="):
            return ScriptEnd(text: text).map { SourceEvent(number, .end($0), text, at: timestamp) }
        default: return nil
        }
    }

    /// The message as it stands in the platform's log.
    package var message: String {
        guard let number else { return text }
        let sign =
            switch kind {
            case .line: " "
            case .part: "+"
            case .end: "="
            }
        return "\u{1E}\(number)\(sign)\(text)"
    }
}

/// How a command ended, as the runner script says it: `CODE [timed_out|stopped]`.
package struct ScriptEnd: Sendable, Equatable {
    package enum Word: String, Sendable {
        case timedOut = "timed_out"
        /// The script was asked to stop.
        case stopped
    }

    package let exitCode: Int32
    package let word: Word?

    package init(exitCode: Int32, word: Word? = nil) {
        self.exitCode = exitCode
        self.word = word
    }

    init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let code = parts.first.flatMap({ Offset(decimal: $0) }), code.rawValue <= 255 else { return nil }
        exitCode = Int32(code.rawValue)
        guard parts.count > 1 else {
            word = nil
            return
        }
        guard let found = Word(rawValue: String(parts[1])) else { return nil }
        word = found
    }

    package var text: String { word.map { "\(exitCode) \($0.rawValue)" } ?? "\(exitCode)" }

    /// How the execution ended; `nil` if only its platform knows: the command was stopped without a stop request of
    /// ours.
    func outcome(isStopRequested: Bool, platform: ExecutionOutcome?) -> ExecutionOutcome? {
        switch word {
        case .timedOut: ExecutionOutcome(status: .failed, exitCode: exitCode, reason: .timedOut)
        case .stopped where isStopRequested:
            ExecutionOutcome(status: .stopped, exitCode: exitCode, reason: .stopRequested)
        case .stopped: platform
        case nil: ExecutionOutcome(status: exitCode == 0 ? .succeeded : .failed, exitCode: exitCode)
        }
    }
}
