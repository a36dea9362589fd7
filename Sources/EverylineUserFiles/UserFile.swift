package import EverylineClient
import Glibc
import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The user's `config.yaml`: the client's settings at the top, the server's under `serve:`.
package struct UserFile {
    package let client: ClientConfiguration.File
    package let serve: [String: String]

    /// `everyline/config.yaml` in the user's directory of settings; `nil` without a home.
    package static func path(_ environment: [String: String]) -> String? {
        UserDirectories(environment).config.map { $0 + "/everyline/config.yaml" }
    }

    /// - Returns: `nil` if there is none.
    /// - Throws: ``UserFileError`` if it can't be read, or isn't a mapping of names to simple values.
    package static func read(_ environment: [String: String]) throws -> UserFile? {
        guard let path = path(environment), FileManager.default.fileExists(atPath: path) else { return nil }
        let text = try PrivateFile.read(path)
        var status = stat()
        let isReadableByOthers = stat(path, &status) == 0 && status.st_mode & 0o077 != 0
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw UserFileError("\(path) is no YAML\(place(of: error)).")
        }
        var client: [String: String] = [:]
        var serve: [String: String] = [:]
        for (key, value) in try mapping(node, in: path) {
            if key == "serve" {
                for (name, value) in try mapping(value, in: path) {
                    serve[name] = try scalar(value, of: name, in: path)
                }
            } else {
                client[key] = try scalar(value, of: key, in: path)
            }
        }
        return UserFile(
            client: .init(path: path, values: client, isReadableByOthers: isReadableByOthers), serve: serve)
    }

    /// Where and what it is, without the line itself: that may hold the key.
    private static func place(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ": line \(mark.line): \(problem)"
        default: ""
        }
    }

    /// Writes a new file, or the new address into a file that is there; everything else in it stays.
    ///
    /// - Parameter program: who writes it.
    /// - Throws: ``UserFileError``.
    package static func write(url: String, apiKey: String, by program: String, to path: String) throws {
        var text = """
            # Written by `\(program)`. It holds an API key: keep it to yourself.
            url: \(url)
            api_key: \(apiKey)

            """
        if FileManager.default.fileExists(atPath: path) {
            let lines = try PrivateFile.read(path).split(separator: "\n", omittingEmptySubsequences: false)
            text = lines.map { $0.hasPrefix("url:") ? "url: \(url)" : String($0) }.joined(separator: "\n")
        }
        try PrivateFile.write(text, to: path)
    }

    /// - Parameter node: `nil` for an empty file.
    private static func mapping(_ node: Node?, in path: String) throws -> [String: Node] {
        guard let node else { return [:] }
        guard let mapping = node.mapping else { throw UserFileError("\(path) must be a list of `name: value`.") }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { throw UserFileError("\(path) has a name that is no text.") }
            values[name] = value
        }
        return values
    }

    private static func scalar(_ node: Node, of name: String, in path: String) throws -> String {
        guard let scalar = node.scalar else { throw UserFileError("\(path): \(name) must be a simple value.") }
        return scalar.string
    }
}

/// What is wrong with one of the user's files, in a sentence for its owner.
package struct UserFileError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
