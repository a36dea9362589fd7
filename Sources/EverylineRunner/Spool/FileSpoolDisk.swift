import Everyline
package import EverylineProducer
import Glibc
import SystemPackage

/// A directory of the file system as a spool's disk. It is opened once, and its files by their names below it, so that what happens to
/// the path afterwards leads nowhere else.
package final class FileSpoolDisk: SpoolDisk {
    private let directory: FileDescriptor

    /// Opens the directory, or makes it for its owner alone.
    ///
    /// - Throws: `Errno`; `notPermitted` if the directory is a link, another user's, or open to others.
    package init(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        directory = try FileDescriptor.openOwnedDirectory(path)
    }

    deinit { try? directory.close() }

    package func names() throws -> [String] {
        let copy = openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    package func create(_ name: String) throws -> any SpoolFile {
        try open(name, O_CREAT | O_EXCL)
    }

    package func open(_ name: String) throws -> any SpoolFile {
        try open(name, 0)
    }

    package func rename(_ name: String, to other: String) throws {
        guard renameat(directory.rawValue, name, directory.rawValue, other) == 0 else { throw Errno(rawValue: errno) }
    }

    package func remove(_ name: String) throws {
        guard unlinkat(directory.rawValue, name, 0) == 0 else { throw Errno(rawValue: errno) }
    }

    private func open(_ name: String, _ options: Int32) throws -> Descriptor {
        let mode = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | options
        let file = openat(directory.rawValue, name, mode, 0o600)
        guard file >= 0 else { throw Errno(rawValue: errno) }
        return Descriptor(file: FileDescriptor(rawValue: file))
    }

    private struct Descriptor: SpoolFile {
        let file: FileDescriptor

        func append(_ bytes: UnsafeRawBufferPointer) throws -> Int { try file.write(bytes) }

        func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            try file.read(fromAbsoluteOffset: Int64(position), into: buffer)
        }

        func truncate(to size: ByteCount) throws { try file.resize(to: Int64(size)) }

        func close() { try? file.close() }
    }
}

extension FileDescriptor {
    /// Opens a directory that this user owns and no other may enter.
    ///
    /// - Throws: `Errno`; `notPermitted` if it is another user's, or open to others; `tooManySymbolicLinkLevels` or
    ///   `notDirectory` if it is a link.
    package static func openOwnedDirectory(_ path: String) throws -> FileDescriptor {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        let directory = FileDescriptor(rawValue: descriptor)
        var status = Glibc.stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            try directory.close()
            throw Errno.notPermitted
        }
        return directory
    }
}

extension Spool {
    /// Opens the spool in a directory of the file system.
    ///
    /// - Throws: `Errno`.
    package convenience init(in directory: String, limits: Limits = Limits()) throws {
        try self.init(on: FileSpoolDisk(directory), limits: limits)
    }
}
