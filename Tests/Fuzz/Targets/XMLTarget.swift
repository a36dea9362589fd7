@testable import EverylineAWS
import NIOCore

extension FuzzTarget {
    /// `XMLElement` reads what services answer, whatever it is: a document that it takes says the same when it is
    /// written again, and no text that could define entities is taken.
    static let xml = FuzzTarget(name: "xml") { input in
        guard let document = try? XMLElement(input.bytes) else { return }
        let text = document.written
        let again = try XMLElement(ByteBuffer(string: text))
        expect(again == document, "a document says the same when it is written again")
        expect(document.depth <= 32, "a document isn't deeper than it may be")
        for name in ["Error", "Code", document.name] {
            expect(document.first(name)?.name ?? name == name, "what is found by its name has it")
        }
        expect(document.members.count <= document.children.count, "members are children")
    }
}

extension XMLElement {
    fileprivate var written: String {
        "<\(name)>" + text.escaped + children.map(\.written).joined() + "</\(name)>"
    }

    fileprivate var depth: Int { 1 + (children.map(\.depth).max() ?? 0) }
}

extension String {
    fileprivate var escaped: String {
        unicodeScalars.map { scalar in
            switch scalar {
            case "<": "&lt;"
            case ">": "&gt;"
            case "&": "&amp;"
            default: String(scalar)
            }
        }.joined()
    }
}
