import Everyline
import Foundation
import Testing

@Suite("The OpenAPI document")
struct OpenAPIDocumentTests {
    private let document: [String: Any]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "Sources/EverylineServer/Resources/openapi.json")
        document = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    }

    @Test("lists each stable code that the code has, and no other")
    func codes() throws {
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: [String: Any]])
        #expect(schemas["ProblemCode"]?["enum"] as? [String] == Problem.Code.allCases.map(\.rawValue))
        #expect(schemas["NoticeCode"]?["enum"] as? [String] == NoticeCode.allCases.map(\.rawValue))
    }

    @Test(
        "lists each word that a property can be, wherever the property stands",
        arguments: [
            ("status", ExecutionStatus.allCases.map(\.rawValue)),
            ("reason", ExecutionOutcome.Reason.allCases.map(\.rawValue)),
            ("role", Role.allCases.map(\.rawValue)),
        ])
    func words(property: String, words: [String]) {
        var document = document
        // The server's own status is another one.
        document["paths"] = (document["paths"] as? [String: Any])?.filter { !$0.key.contains("/health") }
        let found = enums(of: property, in: document)
        #expect(!found.isEmpty)
        for list in found { #expect(Set(list) == Set(words)) }
    }

    /// The values of all properties of this name that have a list of them.
    private func enums(of property: String, in node: Any) -> [[String]] {
        if let list = node as? [Any] { return list.flatMap { enums(of: property, in: $0) } }
        guard let object = node as? [String: Any] else { return [] }
        let here = (object[property] as? [String: Any])?["enum"] as? [String]
        return (here.map { [$0] } ?? []) + object.values.flatMap { enums(of: property, in: $0) }
    }
}
