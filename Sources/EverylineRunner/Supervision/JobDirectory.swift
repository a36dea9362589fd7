package import Everyline
import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one runner and its server share: a directory of its own, named after the execution (0700).
///
///     job.json       what to run; holds the append token (0600)
///     lock           held by the runner for as long as it lives
///     command.json   is there once the command may have been started; names its process
///     given-up       why nobody will try again to deliver what is left
///     runner.log     what the runner has to say of itself
///     spool/         the events that the server hasn't acknowledged
package struct JobDirectory: Sendable, Equatable {
    package let execution: ExecutionID
    package let path: String

    package init(_ execution: ExecutionID, in parent: String) {
        self.execution = execution
        path = parent + "/" + execution.rawValue
    }

    /// The directory at a path; `nil` if no execution has its name.
    package init?(path: String) {
        guard let name = path.split(separator: "/").last, let execution = ExecutionID(name) else { return nil }
        self.execution = execution
        self.path = path
    }

    package var spool: String { path + "/spool" }
    var log: String { path + "/runner.log" }

    /// Makes the directory, with what is to be run.
    func create(_ job: RunnerJob) throws {
        let parent = FilePath(path).removingLastComponent().string
        guard mkdir(parent, 0o700) == 0 || errno == EEXIST, mkdir(path, 0o700) == 0 else {
            throw Errno(rawValue: errno)
        }
        try write(JSONEncoder().encode(job), to: "job.json")
    }

    package func job() throws -> RunnerJob {
        try JSONDecoder().decode(RunnerJob.self, from: Data(contentsOf: URL(fileURLWithPath: path + "/job.json")))
    }

    /// Deletes the directory. If it can't be, the server will find it, and that there is nothing left to do in it.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }

    // MARK: Who works in it

    /// Takes the directory for this process, for as long as the process lives.
    ///
    /// - Returns: `false` if another runner has it, or it is gone.
    package func claim() -> Bool {
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return false
        }
        // It stays open: closing it would give the directory up.
        return true
    }

    /// Whether a runner works in it.
    var isClaimed: Bool {
        let descriptor = open(path + "/lock", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    var exists: Bool { access(path, F_OK) == 0 }

    struct Deleted: Error, CustomStringConvertible {
        let description = "the runner's directory was deleted"
    }

    // MARK: How far it is

    private struct Command: Codable {
        var process: ProcessIdentity?
    }

    /// Notes that the command will be started, durably: it must not be started twice.
    package func noteStarting() throws { try write(JSONEncoder().encode(Command()), to: "command.json") }

    package func noteStarted(_ process: ProcessIdentity) throws {
        try write(JSONEncoder().encode(Command(process: process)), to: "command.json")
    }

    /// Whether the command may have been started.
    package var mayHaveStarted: Bool { access(path + "/command.json", F_OK) == 0 }

    /// The command's process, where it is known.
    package func command() -> ProcessIdentity? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path + "/command.json")) else { return nil }
        // A file that was cut off by a crash of the machine names no process of this boot.
        return (try? JSONDecoder().decode(Command.self, from: data))?.process
    }

    /// Notes that nobody need try again.
    package func giveUp(_ reason: String) throws { try write(Data((reason + "\n").utf8), to: "given-up") }

    var isGivenUp: Bool { access(path + "/given-up", F_OK) == 0 }

    /// Writes a file whole or not at all, durably, for its owner alone.
    private func write(_ data: Data, to name: String) throws {
        let temporary = FilePath(path + "/" + name + ".new")
        let file = try FileDescriptor.open(
            temporary, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
        try file.closeAfter {
            try file.writeAll(data)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
        guard rename(temporary.string, path + "/" + name) == 0 else { throw Errno(rawValue: errno) }
    }
}
