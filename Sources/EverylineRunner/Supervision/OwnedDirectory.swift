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
package struct OwnedDirectory: Sendable {
    package let execution: ExecutionID
    package let path: String
    /// The directory that it lies in, where that is held open; else its path leads to it each time.
    private let parent: HeldDirectory?
    /// The directory itself, where this process works in it for long: it may be moved meanwhile.
    private let held: HeldDirectory?

    /// One in a directory that only those can write to whom the user trusts.
    package init(_ execution: ExecutionID, in parent: String) {
        self.execution = execution
        path = parent + "/" + execution.rawValue
        self.parent = nil
        held = nil
    }

    package init(_ execution: ExecutionID, in parent: HeldDirectory) {
        self.execution = execution
        path = parent.path + "/" + execution.rawValue
        self.parent = parent
        held = nil
    }

    /// The directory at a path; `nil` if no execution has its name. It is held open if it is there: what is done in it
    /// is done in this one, wherever it is moved.
    package init?(path: String) {
        guard let name = path.split(separator: "/").last, let execution = ExecutionID(name) else { return nil }
        self.execution = execution
        self.path = path
        parent = nil
        // Where it can't be opened, each step says so.
        held = try? HeldDirectory(path: path)
    }

    package var exists: Bool {
        guard let held else { return parent?.holds(execution.rawValue) ?? (access(path, F_OK) == 0) }
        // The parent is the one that it lies in now. One that was deleted still knows where it was.
        let there = try? held.subdirectory("..").subdirectory(execution.rawValue).identity()
        return there != nil && there == (try? held.identity())
    }

    /// Makes the directory.
    ///
    /// - Throws: `Errno`, also if it is there already.
    package func create() throws { try parentDirectory().makeSubdirectory(execution.rawValue) }

    /// Deletes the directory. If it can't be, the next process finds it, and that there is nothing left to do in it.
    ///
    /// - Parameter mark: the file that says that there is something to do. It goes first, and the lock last: who finds
    ///   the mark, and that no process works there, and then the mark again, finds something that is left.
    package func remove(mark: String? = nil) {
        try? parentDirectory().removeSubdirectory(execution.rawValue, first: mark, last: Self.lock)
    }

    /// Opens the directory.
    ///
    /// - Throws: `Errno`; ``HeldDirectory/NotPrivate`` if others can reach into it, and its parent demands that they
    ///   can't.
    package func open() throws -> HeldDirectory {
        try held ?? parent?.subdirectory(execution.rawValue) ?? HeldDirectory(path: path)
    }

    private func parentDirectory() throws -> HeldDirectory {
        try held?.subdirectory("..") ?? parent ?? HeldDirectory(path: FilePath(path).removingLastComponent().string)
    }

    // MARK: Ownership

    private static let lock = "lock"

    /// Takes the directory for this process, for as long as the process lives.
    ///
    /// - Returns: `false` if another process has it, or it is gone.
    /// - Throws: as ``open()``.
    package func claim() throws -> Bool {
        let lock: FileDescriptor
        do {
            lock = try open().open(Self.lock, O_RDWR | O_CREAT)
        } catch Errno.noSuchFileOrDirectory {
            return false
        }
        // A process that asks whether it is claimed has the lock shared for a moment.
        while flock(lock.rawValue, LOCK_SH | LOCK_NB) == 0 {
            // It stays open: closing it would give the directory up.
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(1_000)
        }
        try lock.close()
        return false
    }

    /// Whether a process works in it.
    package var isClaimed: Bool {
        guard let lock = try? open().open(Self.lock, O_RDWR) else { return false }
        defer { try? lock.close() }
        return flock(lock.rawValue, LOCK_SH | LOCK_NB) != 0
    }

    // MARK: Its files

    package func holds(_ name: String) -> Bool { (try? open().holds(name)) ?? false }

    /// Reads a file of at most ``fileLimit`` bytes.
    ///
    /// - Throws: `Errno`; `fileTooLarge`.
    package func read(_ name: String) throws -> Data {
        let file = try open().open(name, O_RDONLY)
        return try file.closeAfter {
            var data = Data(count: 64 << 10)
            var length = 0
            while true {
                let count = try data.withUnsafeMutableBytes { try file.read(into: .init(rebasing: $0[length...])) }
                guard count > 0 else { return data.prefix(length) }
                length += count
                guard length <= Self.fileLimit else { throw Errno.fileTooLarge }
                if length == data.count { data.count *= 2 }
            }
        }
    }

    /// Longer than any job that a server accepts.
    package static let fileLimit: ByteCount = .mebibytes(64)

    /// Writes a file whole or not at all, durably, for its owner alone.
    package func write(_ data: Data, to name: String) throws {
        let directory = try open()
        let temporary = name + ".new"
        let file = try directory.open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try file.closeAfter {
            try file.writeAll(data)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
        try directory.rename(temporary, to: name)
    }
}
