package import Everyline
import EverylineProducer
import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one runner and its server share: a directory of its own.
///
///     job.json       what to run; holds the append token (0600)
///     command.json   is there once the command may have been started; names its process, its runner's, and this very
///     directory given-up       why no runner tries again to deliver what is left
///     runner.log     what the runner has to say of itself
package struct JobDirectory: Sendable {
    package let files: OwnedDirectory

    package init(_ execution: ExecutionID, in parent: String) { files = OwnedDirectory(execution, in: parent) }

    /// The directory at a path; `nil` if no execution has its name.
    package init?(path: String) {
        guard let files = OwnedDirectory(path: path) else { return nil }
        self.files = files
    }

    package var execution: ExecutionID { files.execution }
    package var path: String { files.path }
    var log: String { path + "/runner.log" }

    /// Makes the directory, with what is to be run.
    func create(_ job: RunnerJob) throws {
        let parent = FilePath(path).removingLastComponent().string
        guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        try files.create()
        try files.write(JSONEncoder().encode(job), to: "job.json")
    }

    package func job() throws -> RunnerJob { try JSONDecoder().decode(RunnerJob.self, from: files.read("job.json")) }

    /// How much of each log its server has acknowledged at least, by the runners' directories in this one. What can't
    /// be read isn't there.
    package static func acknowledged(in parent: String) -> [ExecutionID: Offset] {
        guard let parent = try? HeldDirectory(path: parent), let names = try? parent.names() else { return [:] }
        var found: [ExecutionID: Offset] = [:]
        for execution in names.compactMap(ExecutionID.init) {
            guard let directory = try? parent.subdirectory(execution.rawValue), !directory.holds("given-up"),
                let spool = try? directory.subdirectory("spool").names(),
                let offset = Spool.acknowledged(by: spool)
            else { continue }
            found[execution] = offset
        }
        return found
    }

    // MARK: The way to the server

    /// The name of a link beside the runners' directories that leads to the server's socket, where they don't lie in
    /// its data directory.
    private static let link = "server"

    /// Where the server listens for its runners: the link beside this directory, else the socket in the directory
    /// above.
    ///
    /// It is looked for from where the directory lies now, so that it is found also after the data directory has been
    /// moved, and a copy of the directory never leads to the server that it was copied from.
    /// - Throws: `Errno`.
    func serverSocket() throws -> String {
        let directory = try files.open()
        let hasLink = try directory.subdirectory("..").holds(Self.link)
        return directory.currentPath(of: hasLink ? "../" + Self.link : "../../" + Self.socketName)
    }

    /// The socket's name in the data directory.
    package static let socketName = "runner.sock"

    /// Shows the runners of a directory the way to their server.
    ///
    /// - Parameter socket: the server's; `nil` if the directory lies in the server's data directory.
    /// - Throws: `Errno`.
    package static func showServer(_ socket: String?, in parent: String) throws {
        let path = parent + "/" + link
        guard let socket else {
            guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw Errno(rawValue: errno) }
            return
        }
        unlink(path + ".new")
        guard symlink(socket, path + ".new") == 0, Glibc.rename(path + ".new", path) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    struct Deleted: Error, CustomStringConvertible {
        let description = "the runner's directory was deleted"
    }

    // MARK: How far it is

    private struct Command: Codable {
        var process: ProcessIdentity?
        var runner: ProcessIdentity?
        var directory: DirectoryIdentity?
    }

    private func write(_ process: ProcessIdentity?) throws {
        let command = Command(
            process: process, runner: ProcessIdentity(of: getpid()), directory: try files.open().identity())
        try files.write(JSONEncoder().encode(command), to: "command.json")
    }

    private func noted() -> Command? {
        guard let data = try? files.read("command.json") else { return nil }
        // A file that was cut off by a crash of the machine names no process of this boot.
        return try? JSONDecoder().decode(Command.self, from: data)
    }

    /// Notes that the command will be started, durably: it must not be started twice.
    package func noteStarting() throws { try write(nil) }

    package func noteStarted(_ process: ProcessIdentity) throws { try write(process) }

    /// Whether the command may have been started.
    package var mayHaveStarted: Bool { files.holds("command.json") }

    /// The command's process, where it is known.
    package func command() -> ProcessIdentity? { noted()?.process }

    /// Whether this is a copy of the directory in which the command was started: the command belongs to another server
    /// then.
    ///
    /// A command of an earlier boot is gone; and file systems may have other numbers since.
    var isCopy: Bool {
        guard let noted = noted(), noted.runner?.isOfThisBoot != false, let original = noted.directory,
            let here = try? files.open().identity()
        else { return false }
        return original != here
    }

    /// Whether the command's runner is there, also if its lock was deleted.
    var isAtWork: Bool { files.isClaimed || !isCopy && runnerLives }

    private var runnerLives: Bool {
        guard let runner = noted()?.runner, let status = ProcessStatus(of: runner.pid) else { return false }
        return runner.pid != getpid() && runner.names(status) && !status.isZombie
    }

    /// Whether what is left of the command is this server's to end: it isn't while its runner lives, in a copy of its
    /// directory, or where nothing is known of it.
    var mayEndCommand: Bool { mayHaveStarted && !isCopy && !runnerLives }

    /// Notes that no runner need try again.
    package func giveUp(_ reason: String) throws { try files.write(Data((reason + "\n").utf8), to: "given-up") }

    /// Why no runner will try again; `nil` if one may.
    package var givenUp: String? {
        guard files.holds("given-up") else { return nil }
        return (try? files.read("given-up")).map { String(decoding: $0, as: UTF8.self) }
            ?? "its file given-up can't be read"
    }
}
