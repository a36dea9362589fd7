package import Everyline
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
///     command.json   is there once the command may have been started; names its process
///     given-up       why no runner tries again to deliver what is left
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

    struct Deleted: Error, CustomStringConvertible {
        let description = "the runner's directory was deleted"
    }

    // MARK: How far it is

    private struct Command: Codable {
        var process: ProcessIdentity?
    }

    /// Notes that the command will be started, durably: it must not be started twice.
    package func noteStarting() throws { try files.write(JSONEncoder().encode(Command()), to: "command.json") }

    package func noteStarted(_ process: ProcessIdentity) throws {
        try files.write(JSONEncoder().encode(Command(process: process)), to: "command.json")
    }

    /// Whether the command may have been started.
    package var mayHaveStarted: Bool { files.holds("command.json") }

    /// The command's process, where it is known.
    package func command() -> ProcessIdentity? {
        guard let data = try? files.read("command.json") else { return nil }
        // A file that was cut off by a crash of the machine names no process of this boot.
        return (try? JSONDecoder().decode(Command.self, from: data))?.process
    }

    /// Notes that no runner need try again.
    package func giveUp(_ reason: String) throws { try files.write(Data((reason + "\n").utf8), to: "given-up") }

    /// Why no runner will try again; `nil` if one may.
    var givenUp: String? {
        guard files.holds("given-up") else { return nil }
        return (try? files.read("given-up")).map { String(decoding: $0, as: UTF8.self) }
            ?? "its file given-up can't be read"
    }
}
