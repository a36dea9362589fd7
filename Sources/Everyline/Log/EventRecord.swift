/// One line of NDJSON as it was read: an event with or without its offset, its texts still escaped.
struct EventRecord {
    var offset: Int64?
    /// A heartbeat's: where the log's head is.
    var head: Int64?
    /// A pending line's: the event behind which it stands.
    var after: Int64?
    var timestamp: Int64?
    var stream: LogLine.Stream?
    var message: JSONScanner.Text?
    var isPartial = false
    var eventID: JSONScanner.Text?
    var type: Kind = .line
    var status: ExecutionStatus?
    var exitCode: Int32?
    var reason: ExecutionOutcome.Reason?
    var isVerified: Bool?
    var code: JSONScanner.Text?
    var cpuMilliseconds: Int64?
    var peakMemory: Int64?
    /// What a notice beside the log says of a restore.
    var incarnation: JSONScanner.Text?
    var base: Int64?
    /// The fields that were there, as ``Field/bit``s.
    private(set) var seen: UInt32 = 0

    enum Kind: String {
        case line
        case notice
        case end
        case heartbeat
        case pending
    }

    /// Reads one JSON object and nothing after it.
    ///
    /// - Parameter isStrict: whether a field that isn't known is an error. A client must be lenient here, so that a
    ///   newer server may say more; a server must not, so that nothing that was sent is lost unseen.
    static func read(from scanner: inout JSONScanner, isStrict: Bool) throws -> EventRecord {
        var record = EventRecord()
        try scanner.expect(UInt8(ascii: "{"))
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                let name = try scanner.string()
                try scanner.expect(UInt8(ascii: ":"))
                if let field = Field(name, in: scanner) {
                    guard record.seen & field.bit == 0 else { throw EventSyntaxError.duplicateField(field.rawValue) }
                    record.seen |= field.bit
                    try record.read(field, from: &scanner)
                } else if isStrict {
                    throw EventSyntaxError.unknownField(scanner.decodeString(name))
                } else {
                    try scanner.skipValue()
                }
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "}"))
        }
        scanner.skipBlanks()
        guard scanner.isAtEnd else { throw scanner.fail() }
        return record
    }

    enum Field: String, CaseIterable {
        case offset, timestamp, stream, message, partial, type, status, reason, code, verified
        case eventID = "event_id"
        case exitCode = "exit_code"
        case head, after, incarnation, base
        case cpu = "cpu_ms"
        case peakMemory = "peak_memory_bytes"

        /// Its place in a set of fields that have been seen.
        var bit: UInt32 {
            switch self {
            case .offset: 1
            case .timestamp: 2
            case .stream: 4
            case .message: 8
            case .partial: 16
            case .type: 32
            case .status: 64
            case .reason: 128
            case .code: 256
            case .eventID: 512
            case .exitCode: 1024
            case .head: 2048
            case .verified: 4096
            case .after: 8192
            case .cpu: 16384
            case .peakMemory: 32768
            case .incarnation: 65536
            case .base: 131072
            }
        }

        static func bits(_ fields: Field...) -> UInt32 { fields.reduce(0) { $0 | $1.bit } }

        private static let names: [(name: PackedName, field: Field)] = allCases.map { field in
            var text = field.rawValue
            guard let name = text.withUTF8({ PackedName(UnsafeRawBufferPointer($0)) }) else {
                preconditionFailure("a field's name has \(PackedName.limit) bytes at the most")
            }
            return (name, field)
        }

        /// The field of this name; `nil` if there is none.
        init?(_ name: JSONScanner.Text, in scanner: JSONScanner) {
            let packed =
                name.hasEscapes
                ? scanner.decode(name).withUnsafeBytes { PackedName($0) }
                : PackedName(UnsafeRawBufferPointer(rebasing: scanner.text[name.range]))
            guard let packed, let found = Self.names.first(where: { $0.name == packed }) else { return nil }
            self = found.field
        }
    }

    /// A field's name as numbers, which are compared without making a string of each name that is read.
    private struct PackedName: Equatable {
        static let limit: ByteCount = 24

        private let words: (UInt64, UInt64, UInt64)
        private let length: ByteCount

        /// `nil` for one that is longer than any field's.
        init?(_ name: UnsafeRawBufferPointer) {
            guard name.count <= Self.limit else { return nil }
            var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: name) }
            self.words = words
            length = name.count
        }

        static func == (left: Self, right: Self) -> Bool {
            left.length == right.length && left.words == right.words
        }
    }

    /// What an `end` says of what its command took.
    var usage: ResourceUsage? {
        guard cpuMilliseconds != nil || peakMemory != nil else { return nil }
        return ResourceUsage(cpuMilliseconds: cpuMilliseconds, peakMemory: peakMemory)
    }

    private mutating func read(_ field: Field, from scanner: inout JSONScanner) throws {
        switch field {
        case .offset: offset = try scanner.integer()
        case .head: head = try scanner.integer()
        case .after: after = try scanner.integer()
        case .incarnation: incarnation = try scanner.string()
        case .base: base = try scanner.integer()
        case .timestamp: timestamp = try scanner.integer()
        case .stream: stream = try word(from: &scanner, field)
        case .message: message = try scanner.string()
        case .partial: isPartial = try scanner.boolean()
        case .eventID: eventID = try scanner.string()
        case .type: type = try word(from: &scanner, field)
        case .status: status = try word(from: &scanner, field)
        case .exitCode:
            if scanner.takeNull() { return }
            guard let value = Int32(exactly: try scanner.integer()) else { throw scanner.fail(.numberOutOfRange) }
            exitCode = value
        case .reason: reason = try word(from: &scanner, field)
        case .code: code = try scanner.string()
        case .verified: isVerified = try scanner.boolean()
        case .cpu: cpuMilliseconds = try scanner.integer()
        case .peakMemory: peakMemory = try scanner.integer()
        }
    }

    private func word<Word: RawRepresentable<String>>(
        from scanner: inout JSONScanner, _ field: Field
    ) throws -> Word {
        let text = scanner.decodeString(try scanner.string())
        guard let word = Word(rawValue: text) else { throw EventSyntaxError.invalidValue(field: field.rawValue) }
        return word
    }
}

/// What is wrong with a line that should have been an event.
package enum EventSyntaxError: Error, Equatable {
    case unknownField(String)
    case duplicateField(String)
    case missingField(String)
    case invalidValue(field: String)
    /// An `end` stands before the last line.
    case eventAfterEnd
}
