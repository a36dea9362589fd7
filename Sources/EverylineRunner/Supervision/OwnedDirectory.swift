package import Everyline
import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A directory named after an execution (0700), which one process at a time works in, and which outlives it.
///
///     lock      held by the process for as long as it lives
///     spool/    the events that the server hasn't acknowledged
package struct OwnedDirectory: Sendable, Equatable {
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

    package var exists: Bool { access(path, F_OK) == 0 }

    /// Makes the directory.
    ///
    /// - Throws: `Errno`, also if it is there already.
    package func create() throws {
        guard mkdir(path, 0o700) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Deletes the directory. If it can't be, whoever comes next will find it, and that there is nothing left to do in it.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }

    // MARK: Who works in it

    /// Takes the directory for this process, for as long as the process lives.
    ///
    /// - Returns: `false` if another process has it, or it is gone.
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

    /// Whether a process works in it.
    package var isClaimed: Bool {
        let descriptor = open(path + "/lock", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    // MARK: Its files

    package func holds(_ name: String) -> Bool { access(path + "/" + name, F_OK) == 0 }

    package func read(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }

    /// Writes a file whole or not at all, durably, for its owner alone.
    package func write(_ data: Data, to name: String) throws {
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
