import Everyline
import EverylineClient
import EverylineRunner
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where an `exec` or `pipe` keeps what its server hasn't acknowledged, with all that it takes to bring it there later, should
/// the process be killed.
///
/// `refused.json` says that it is no use to try again. `origin.json` holds a secret, so its owner alone may read it. It is written last: a directory without it was never used.
struct ProducerDirectory {
    /// Where the output belongs.
    struct Origin: Codable {
        var url: String
        var caFile: String?
        var appendToken: String

        init(configuration: EverylineClient.Configuration, appendToken: String) {
            url = configuration.address.description
            // The successor may be started elsewhere.
            caFile = configuration.caFile.map { URL(fileURLWithPath: $0).path }
            self.appendToken = appendToken
        }

        enum CodingKeys: String, CodingKey {
            case url
            case caFile = "ca_file"
            case appendToken = "append_token"
        }
    }

    let files: OwnedDirectory

    /// Makes the directory, held by this process.
    ///
    /// - Throws: ``CLIError`` if there is no place for it.
    static func make(for execution: ExecutionID, _ origin: Origin) throws -> ProducerDirectory {
        let files = OwnedDirectory(execution, in: parent)
        do {
            try FileManager.default.createDirectory(
                atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try files.create()
            guard files.claim() else { throw CLIError("it is taken") }
            try files.write(JSONEncoder().encode(origin), to: "origin.json")
        } catch {
            throw CLIError("there is no place for the spool: \(files.path): \(error)")
        }
        return ProducerDirectory(files: files)
    }

    /// Those whose process is gone and whose server may still take what they hold, by their ids.
    static func abandoned() throws -> [ProducerDirectory] {
        guard FileManager.default.fileExists(atPath: parent) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: parent).sorted().compactMap(ExecutionID.init)
            .map { ProducerDirectory(files: OwnedDirectory($0, in: parent)) }
            .filter { $0.files.holds("origin.json") && !$0.files.holds("refused.json") && !$0.files.isClaimed }
    }

    /// Keeps what the server will never take, because the log has ended without it or is gone.
    func keep(refusedWith error: APIError) throws {
        try files.write(JSONEncoder().encode(["code": error.code, "detail": error.detail]), to: "refused.json")
    }

    func origin() throws -> Origin { try JSONDecoder().decode(Origin.self, from: files.read("origin.json")) }

    /// In the user's state directory, by the XDG base directory specification.
    private static var parent: String {
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_STATE_HOME"] ?? environment["HOME"].map { $0 + "/.local/state" } ?? "/tmp"
        return base + "/everyline/spool"
    }
}
