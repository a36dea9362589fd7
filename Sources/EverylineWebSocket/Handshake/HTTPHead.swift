import NIOCore

/// The head of an HTTP/1.1 message as its bytes say it: the start line and the fields, in order.
///
/// The grammar is strict: what deviates from it isn't parsed here, and is left to the HTTP pipeline.
struct HTTPHead: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        let name: String
        let value: String
    }

    let startLine: String
    let fields: [Field]

    init(startLine: String, fields: [Field]) {
        self.startLine = startLine
        self.fields = fields
    }

    /// Finds the empty line that ends a head.
    ///
    /// - Parameter start: how many readable bytes were searched before, without success.
    /// - Returns: how many bytes the head has, the empty line included.
    static func end(in buffer: ByteBuffer, searched start: Int) -> Int? {
        let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        return buffer.withUnsafeReadableBytes { bytes in
            var index = max(0, start - 3)
            while index < bytes.count {
                guard let feed = bytes[index...].firstIndex(of: lineFeed) else { return nil }
                var next = feed + 1
                if next < bytes.count && bytes[next] == carriageReturn { next += 1 }
                if next < bytes.count && bytes[next] == lineFeed { return next + 1 }
                index = feed + 1
            }
            return nil
        }
    }

    /// Parses a whole head with the empty line at its end; `nil` for what isn't strictly one.
    init?(_ head: ByteBuffer) {
        guard let text = String(validating: head.readableBytesView, as: UTF8.self), text.hasSuffix("\r\n\r\n") else {
            return nil
        }
        // A CR LF is one character, so a lone CR or LF in a line stays in it and shows.
        var lines = text.dropLast(2).split(separator: "\r\n", omittingEmptySubsequences: false)
        let startLine = lines.removeFirst()
        guard !startLine.isEmpty, startLine.utf8.allSatisfy(Self.isText) else { return nil }
        var fields: [Field] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), Self.isToken(line[..<colon]) else { return nil }
            let value = Self.trim(line[line.index(after: colon)...])
            guard value.utf8.allSatisfy(Self.isText) else { return nil }
            fields.append(Field(name: String(line[..<colon]), value: String(value)))
        }
        self.startLine = String(startLine)
        self.fields = fields
    }

    /// The values of all fields of a name, in order.
    func values(of name: String) -> [String] {
        let name = name.lowercased()
        return fields.filter { $0.name.lowercased() == name }.map(\.value)
    }

    /// The elements of a field that is a comma-separated list, in lower case.
    func tokens(of name: String) -> [String] {
        values(of: name).flatMap { $0.split(separator: ",") }.map { Self.trim($0).lowercased() }.filter { !$0.isEmpty }
    }

    /// Without the spaces and tabs at both ends.
    static func trim(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let start = text.drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return start.prefix(0) }
        return start[...last]
    }

    /// Whether it is a token of RFC 9110, section 5.6.2.
    static func isToken(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default:
                    "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether a byte may stand in a field's value.
    static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || byte == UInt8(ascii: "\t")
    }
}
