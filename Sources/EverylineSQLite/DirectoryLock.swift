import Glibc
import Synchronization

/// A process's claim to a directory: an advisory lock on its file `lock`, which ends with the process, however it ends.
final class DirectoryLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Makes the directory (0700) if need be, and takes it.
    ///
    /// - Throws: ``SQLiteDatabaseError/inUse(_:)`` if another process has it.
    init(_ directory: String) throws {
        try Self.makeDirectory(directory)
        let path = directory + "/lock"
        // Close-on-exec, or a command that is started would keep the lock.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SQLiteDatabaseError.unusable(directory, reason: Self.lastError(path)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let reason = Self.lastError(path)
            close(descriptor)
            throw isTaken ? SQLiteDatabaseError.inUse(directory) : .unusable(directory, reason: reason)
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    func release() {
        guard let descriptor = descriptor.withLock({ $0.take() }) else { return }
        // Closing alone isn't enough: a process that is just being started may still have a copy, until it executes.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// What the data holds is everybody's output: nobody but its owner may look in.
    private static func makeDirectory(_ directory: String) throws {
        var path = directory.hasPrefix("/") ? "/" : ""
        for part in directory.split(separator: "/") {
            path += (path.isEmpty || path.hasSuffix("/") ? "" : "/") + part
            guard mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
            // A parent that can't be made may still be there, on a file system that may not be written.
            guard access(path, X_OK) == 0 else {
                throw SQLiteDatabaseError.unusable(directory, reason: lastError(path))
            }
        }
    }

    private static func lastError(_ path: String) -> String { "\(path): \(String(cString: strerror(errno)))" }
}
