import Foundation
import Testing

/// One sentence of the HTTP API's contract, with the requests that show it. `Tests/HTTPContract/README.md` says how it
/// is written.
struct HTTPCase: Decodable, Sendable, CustomTestStringConvertible {
    let sentence: String
    /// The names of the forms that it holds for; all, if it names none.
    var forms: [String]?
    /// The limit of a log, in bytes.
    var limit: Int?
    /// Values for which the steps are done again, each time from the beginning.
    var each: [JSONValue]?
    let steps: [Step]

    struct Step: Decodable, Sendable {
        /// A method and a path.
        var request: String?
        /// Registers an execution; `{NAME}` is its path from then on, `{NAME.id}` its id and `{NAME.token}` its append
        /// token.
        var register: String?
        /// Appends to an execution that was registered under this name.
        var append: String?
        var after: JSONValue?

        /// Whose key is sent, or the key itself; an administrator's, if nothing is said.
        var `as`: String?
        /// Fields of the request.
        var send: [String: String]?
        var json: JSONValue?
        var text: String?
        var base64: String?
        var repeated: Repeated?
        var lines: [JSONValue]?
        var end: String?

        /// What is expected: 200, if nothing is said.
        var status: Int?
        /// The code of a problem document.
        var code: String?
        /// What the answer's JSON has at least; a null stands for a member that it must not have.
        var `is`: JSONValue?
        /// The same for each line of an answer in NDJSON.
        var events: [JSONValue]?
        /// The answer's text, whole.
        var body: String?
        /// Fields of the answer; `*` stands for any value.
        var receive: [String: String]?
        /// Names for what the answer holds, for the steps that follow: a place in its JSON, or one of its fields.
        var keep: [String: String]?

        struct Repeated: Decodable, Sendable {
            let text: String
            let times: Int
            var before: String?
            var behind: String?
        }
    }

    var testDescription: String { sentence }

    static let all: [HTTPCase] = {
        var root = URL(filePath: #filePath)
        for _ in 1...3 { root.deleteLastPathComponent() }
        let folder = root.appending(path: "HTTPContract")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().flatMap { name in
            do {
                return try JSONDecoder().decode([HTTPCase].self, from: Data(contentsOf: folder.appending(path: name)))
            } catch {
                Issue.record("\(name): \(error)")
                return []
            }
        }
    }()
}
