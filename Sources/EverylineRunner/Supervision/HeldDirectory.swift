import Glibc
import SystemPackage

/// A directory that is held open, and is worked in by names below it: what happens to its path afterwards leads nowhere
/// else, and no link in it is followed.
package final class HeldDirectory: Sendable {
    /// What a directory must be, apart from a directory.
    package enum Demand: Sendable {
        /// Nothing: it lies where only those can write whom the user trusts.
        case none
        /// It belongs to this user, and no other user can write to it. So does all that it holds.
        case exclusive
    }

    /// A directory that doesn't meet its demand.
    package struct NotPrivate: Error, CustomStringConvertible {
        let path: String
        let reason: String

        package var description: String { "\(path) \(reason)" }
    }

    /// For messages.
    package let path: String
    let descriptor: FileDescriptor
    private let demand: Demand

    private init(_ descriptor: Int32, _ path: String, _ demand: Demand) throws {
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        self.descriptor = FileDescriptor(rawValue: descriptor)
        self.path = path
        self.demand = demand
        guard demand == .exclusive else { return }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
        guard status.st_uid == geteuid() else { throw NotPrivate(path: path, reason: "belongs to another user") }
        guard status.st_mode & 0o022 == 0 else {
            throw NotPrivate(path: path, reason: "can be written to by other users: chmod go-w")
        }
    }

    deinit { try? descriptor.close() }

    /// Opens the directory at a path; links on the way to it are followed.
    ///
    /// - Throws: `Errno`, ``NotPrivate``.
    package convenience init(path: String, _ demand: Demand = .none) throws {
        try self.init(Glibc.open(path, Self.flags), path, demand)
    }

    /// Opens a directory in this one, which must meet the same demand.
    ///
    /// - Throws: `Errno`, ``NotPrivate``.
    package func subdirectory(_ name: String) throws -> HeldDirectory {
        try subdirectory(name, demand)
    }

    package func subdirectory(_ name: String, _ demand: Demand) throws -> HeldDirectory {
        try HeldDirectory(
            openat(descriptor.rawValue, name, Self.flags | O_NOFOLLOW), path + "/" + name, demand)
    }

    /// Makes a directory in this one, for this user alone.
    ///
    /// - Throws: `Errno`, also if there is something of that name.
    package func makeSubdirectory(_ name: String) throws {
        guard mkdirat(descriptor.rawValue, name, 0o700) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Makes a directory in this one, for this user alone, unless there is something of that name.
    ///
    /// - Throws: `Errno`.
    package func makeSubdirectoryUnlessThere(_ name: String) throws {
        do {
            try makeSubdirectory(name)
        } catch Errno.fileExists {}
    }

    /// The names of what is there, in any order.
    ///
    /// - Throws: `Errno`.
    package func names() throws -> [String] {
        // Reading moves a descriptor's position, so it has one of its own.
        let copy = openat(descriptor.rawValue, ".", Self.flags)
        guard copy >= 0, let stream = fdopendir(copy) else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    package func holds(_ name: String) -> Bool {
        faccessat(descriptor.rawValue, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Opens a file; one that is made is for this user alone.
    ///
    /// - Throws: `Errno`; `tooManySymbolicLinkLevels` for a link, `invalidArgument` for what is no file, which is never
    ///   waited for.
    package func open(_ name: String, _ options: Int32) throws -> FileDescriptor {
        let number = openat(descriptor.rawValue, name, options | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let file = FileDescriptor(rawValue: number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            try file.close()
            throw Errno.invalidArgument
        }
        return file
    }

    /// A path that leads to what is in this directory from any process's current place in it, wherever the directory
    /// has been moved (proc_pid_fd(5)). It works in this process only.
    package func currentPath(of name: String) -> String { "/proc/self/fd/\(descriptor.rawValue)/\(name)" }

    /// Which directory it is: a copy is another one, one that was moved within its file system is the same.
    ///
    /// - Throws: `Errno`.
    func identity() throws -> DirectoryIdentity {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        return DirectoryIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    package func rename(_ name: String, to other: String) throws {
        guard renameat(descriptor.rawValue, name, descriptor.rawValue, other) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Deletes what is neither a directory nor outside, whatever a link says.
    package func remove(_ name: String) throws {
        guard unlinkat(descriptor.rawValue, name, 0) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Deletes a directory in this one, with all that it holds.
    ///
    /// - Parameters:
    ///   - first: the file that goes before all others.
    ///   - last: the file that goes behind them.
    package func removeSubdirectory(_ name: String, first: String? = nil, last: String? = nil) throws {
        let directory = try subdirectory(name)
        let rank = { (name: String) in name == first ? 0 : name == last ? 2 : 1 }
        for name in try directory.names().sorted(by: { rank($0) < rank($1) }) {
            do {
                try directory.remove(name)
            } catch Errno.isDirectory {
                try directory.removeSubdirectory(name)
            }
        }
        guard unlinkat(descriptor.rawValue, name, AT_REMOVEDIR) == 0 else { throw Errno(rawValue: errno) }
    }

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
}

/// Names a directory among those of one machine, until its file system is mounted anew. After that it may be taken for
/// another one, never another for it.
struct DirectoryIdentity: Codable, Sendable, Equatable {
    let device: UInt64
    let inode: UInt64
}
