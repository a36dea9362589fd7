import Everyline
import EverylineClient
import EverylineRunner
import EverylineUserFiles
import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where an `exec` or `pipe` keeps what its server hasn't acknowledged, with all that it takes to bring it there later,
/// should the process be killed.
///
/// `refused.json` says that it is no use to try again. `origin.json` holds a secret, so its owner alone may read it. It
/// is written last: a directory without it was never used.
struct ProducerDirectory {
    /// Where the output belongs.
    struct Origin: Codable {
        var url: String
        var caFile: String?
        /// `nil` as long as no server knows of it (`exec --best-effort`).
        var appendToken: String?
        /// What the server calls it, where the directory has another name.
        var execution: String?
        /// What a server is to show as its command, where it has to be registered, or registered anew.
        var command: [String]?
        /// Where that runs; not in what earlier versions left.
        var place: CommandPlace?
        /// The idempotency key under which a server was asked to register it; not in what earlier versions left.
        var registration: String?

        init(
            configuration: EverylineClient.Configuration, appendToken: String?, of request: RegisterRequest,
            under registration: String? = nil
        ) {
            (command, place) = (request.command, request.place)
            self.registration = registration
            url = configuration.address.description
            // The successor may be started elsewhere.
            caFile = configuration.caFile.map { URL(fileURLWithPath: $0).path }
            self.appendToken = appendToken
        }

        enum CodingKeys: String, CodingKey {
            case url, execution, command, place, registration
            case caFile = "ca_file"
            case appendToken = "append_token"
        }
    }

    let files: OwnedDirectory

    /// Makes the directory, held by this process.
    ///
    /// - Throws: ``CLIError`` if there is no place for it.
    static func make(for execution: ExecutionID, _ origin: Origin, in place: HeldDirectory) throws -> ProducerDirectory
    {
        let files = OwnedDirectory(execution, in: place)
        do {
            try files.create()
            guard try files.claim() else { throw CLIError("it is taken") }
            let directory = ProducerDirectory(files: files)
            try directory.note(origin)
            return directory
        } catch {
            files.remove(mark: mark)
            throw CLIError("there is no place for the spool: \(files.path): \(error)")
        }
    }

    func note(_ origin: Origin) throws { try files.write(JSONEncoder().encode(origin), to: Self.mark) }

    /// Those whose process is gone and whose server may still take what they hold, by their ids.
    ///
    /// - Throws: ``CLIError`` if other users can write where they lie.
    static func abandoned() throws -> [ProducerDirectory] {
        guard let place = try place(makingIt: false) else { return [] }
        return try all(in: place).filter(\.isAbandoned)
    }

    /// - Throws: `Errno` if the place can't be read.
    static func all(in place: HeldDirectory) throws -> [ProducerDirectory] {
        try place.names().sorted().compactMap(ExecutionID.init)
            .map { ProducerDirectory(files: OwnedDirectory($0, in: place)) }
    }

    /// One that can't be opened counts: `recover` says why.
    private var isAbandoned: Bool {
        guard let directory = try? files.open() else { return files.exists }
        return directory.holds(Self.mark) && !directory.holds(Self.refusal) && !files.isClaimed
            && directory.holds(Self.mark)
    }

    /// Takes what another process has left, for this one.
    ///
    /// - Returns: false if another process has it, or has had it.
    /// - Throws: `Errno`.
    func claim() throws -> Bool {
        guard try files.claim() else { return false }
        if files.holds(Self.mark) { return true }
        remove()
        return false
    }

    /// Deletes it: everything has been delivered, or never will be.
    func remove() { files.remove(mark: Self.mark) }

    private static let mark = "origin.json"

    private static let refusal = "refused.json"

    /// Keeps what the server will never take, because the log has ended without it or is gone.
    func keep(refusedWith error: APIError) throws {
        try files.write(JSONEncoder().encode(["code": error.code, "detail": error.detail]), to: Self.refusal)
    }

    /// Why the server takes no more of it; `nil` if it may.
    var refused: String? {
        guard files.holds(Self.refusal) else { return nil }
        let words = (try? files.read(Self.refusal)).flatMap {
            try? JSONDecoder().decode([String: String].self, from: $0)
        }
        return words?["detail"] ?? "its server refused it"
    }

    /// Says that another log takes it: `recover` may try again.
    ///
    /// - Throws: `Errno`.
    func forgetRefusal() throws {
        if files.holds(Self.refusal) { try files.open().remove(Self.refusal) }
    }

    func origin() throws -> Origin { try JSONDecoder().decode(Origin.self, from: files.read(Self.mark)) }

    /// Where they all lie: in the user's state directory, in a place that no other user can write to.
    ///
    /// - Throws: ``CLIError`` if there can't be one.
    static func place() throws -> HeldDirectory {
        guard let place = try place(makingIt: true) else { throw CLIError("there is no place for the spool") }
        return place
    }

    /// - Returns: `nil` if it isn't there.
    static func place(makingIt: Bool) throws -> HeldDirectory? {
        guard let state = UserDirectories(ProcessInfo.processInfo.environment).state else {
            throw CLIError("there is no place for the spool: this user has no home; set XDG_STATE_HOME")
        }
        do {
            if makingIt { try makeDirectories(state) }
            var place = try HeldDirectory(path: state)
            for name in ["everyline", "spool"] {
                if makingIt { try place.makeSubdirectoryUnlessThere(name) }
                place = try place.subdirectory(name, .exclusive)
            }
            return place
        } catch Errno.noSuchFileOrDirectory where !makingIt {
            return nil
        } catch {
            throw CLIError("there is no place for the spool in \(state): \(error); XDG_STATE_HOME says where else")
        }
    }
    /// Makes a directory, and those above it, as far as they aren't there.
    ///
    /// - Throws: `Errno`.
    private static func makeDirectories(_ path: String) throws {
        for end in path.indices.dropFirst().filter({ path[$0] == "/" }) + [path.endIndex] {
            guard mkdir(String(path[..<end]), 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        }
    }
}
