package import NIOCore

/// One element of an XML document, as the query protocols and S3 answer: names, text and children. Attributes are
/// passed over.
package struct XMLElement: Sendable, Equatable {
    package let name: String
    /// The text between its tags, without that of its children.
    package fileprivate(set) var text = ""
    package fileprivate(set) var children: [XMLElement] = []

    /// How deep elements may lie in each other.
    private static let depth = 32

    /// The first child of this name.
    package subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The children of a list's element: `member` in the query protocol, `item` in EC2's.
    package var members: [XMLElement] { children.filter { $0.name == "member" || $0.name == "item" } }

    /// The first element of this name, at whatever depth.
    package func first(_ name: String) -> XMLElement? {
        if self.name == name { return self }
        for child in children {
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// Reads a document.
    ///
    /// - Throws: ``NotXML``. A document type, which could define entities, is none.
    package init(_ bytes: ByteBuffer) throws(NotXML) {
        var reader = XMLReader(rest: Substring(String(buffer: bytes)).utf8)
        // Under a root of its own, so that the document's lies in it as any other element does.
        var open = [XMLElement(name: "")]
        while let token = try reader.next() {
            switch token {
            case .start(let name):
                guard open.count <= Self.depth else { throw NotXML() }
                open.append(XMLElement(name: name))
            case .end(let name):
                guard open.count > 1, let element = open.popLast(), element.name == name else { throw NotXML() }
                open[open.count - 1].children.append(element)
            case .text(let text): open[open.count - 1].text += text
            }
        }
        guard open.count == 1, open[0].children.count == 1 else { throw NotXML() }
        self = open[0].children[0]
    }

    private init(name: String) { self.name = name }
}

/// What was to be an XML document is none that a service answers with.
package struct NotXML: Error, Equatable {
    package init() {}
}

/// Cuts a document into tags and text.
private struct XMLReader {
    enum Token {
        case start(String)
        case end(String)
        case text(String)
    }

    var rest: Substring.UTF8View
    /// The end of an element that has no content: `<a/>`.
    private var pending: String?

    init(rest: Substring.UTF8View) { self.rest = rest }

    mutating func next() throws(NotXML) -> Token? {
        if let name = pending {
            pending = nil
            return .end(name)
        }
        while let first = rest.first {
            guard first == UInt8(ascii: "<") else { return .text(try text()) }
            if skip("<?") {
                _ = try upTo("?>")
            } else if skip("<!--") {
                _ = try upTo("-->")
            } else if skip("<![CDATA[") {
                return .text(String(try upTo("]]>")))
            } else if skip("</") {
                return .end(try name(in: try upTo(">")))
            } else if skip("<!") {
                throw NotXML()
            } else {
                rest = rest.dropFirst()
                let tag = try upTo(">")
                let name = try name(in: tag)
                if tag.utf8.last == UInt8(ascii: "/") { pending = name }
                return .start(name)
            }
        }
        return nil
    }

    private mutating func skip(_ prefix: StaticString) -> Bool {
        let prefix = "\(prefix)".utf8
        guard rest.starts(with: prefix) else { return false }
        rest = rest.dropFirst(prefix.count)
        return true
    }

    private mutating func upTo(_ end: String) throws(NotXML) -> Substring {
        guard let range = rest.firstRange(of: end.utf8) else { throw NotXML() }
        let found = Substring(rest[..<range.lowerBound])
        rest = rest[range.upperBound...]
        return found
    }

    private func name(in tag: Substring) throws(NotXML) -> String {
        // By scalars: what joins with a delimiter to one character is no part of it.
        let name = tag.unicodeScalars.prefix { !$0.properties.isWhitespace && $0 != "/" }
        guard !name.isEmpty else { throw NotXML() }
        return String(name)
    }

    private mutating func text() throws(NotXML) -> String {
        let found = rest.prefix { $0 != UInt8(ascii: "<") }
        rest = rest[found.endIndex...]
        var (text, left) = ("", Substring(found))
        while let start = left.unicodeScalars.firstIndex(of: "&") {
            text += left[..<start]
            guard let end = left.unicodeScalars[start...].firstIndex(of: ";") else { throw NotXML() }
            text.unicodeScalars.append(try Self.scalar(left[left.unicodeScalars.index(after: start)..<end]))
            left = left[left.unicodeScalars.index(after: end)...]
        }
        return text + left
    }

    private static let entities: [Substring: Unicode.Scalar] = [
        "lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'",
    ]

    private static func scalar(_ entity: Substring) throws(NotXML) -> Unicode.Scalar {
        if let known = entities[entity] { return known }
        guard entity.first == "#" else { throw NotXML() }
        let digits = entity.dropFirst()
        let value = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits, radix: 10)
        guard let scalar = value.flatMap(Unicode.Scalar.init) else { throw NotXML() }
        return scalar
    }
}
