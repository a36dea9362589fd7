import Everyline
package import EverylineProducer
import Glibc
import SystemPackage

/// A directory of the file system as a spool's disk.
package struct FileSpoolDisk: SpoolDisk {
    private let directory: HeldDirectory

    package init(_ directory: HeldDirectory) { self.directory = directory }

    package func names() throws -> [String] { try directory.names() }

    package func create(_ name: String) throws -> any SpoolFile { try open(name, O_CREAT | O_EXCL) }

    package func open(_ name: String) throws -> any SpoolFile { try open(name, 0) }

    package func rename(_ name: String, to other: String) throws { try directory.rename(name, to: other) }

    package func remove(_ name: String) throws {
        do {
            try directory.remove(name)
        } catch let error as Errno where error == .noSuchFileOrDirectory {
            // It is gone already.
        }
    }

    private func open(_ name: String, _ options: Int32) throws -> Descriptor {
        Descriptor(file: try directory.open(name, O_RDWR | O_APPEND | options))
    }

    private struct Descriptor: SpoolFile {
        let file: FileDescriptor

        func append(_ bytes: UnsafeRawBufferPointer) throws -> Int { try file.write(bytes) }

        func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            try file.read(fromAbsoluteOffset: Int64(position), into: buffer)
        }

        func sync() throws {
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }

        func truncate(to size: ByteCount) throws { try file.resize(to: Int64(size)) }

        func close() { try? file.close() }
    }
}

extension Spool {
    /// Opens the spool in an execution's directory, or makes it there.
    ///
    /// - Throws: `Errno`; ``HeldDirectory/NotPrivate`` if others can reach into it, and the directory's parent demands
    ///   that they can't.
    package convenience init(in directory: OwnedDirectory, limits: Limits = Limits()) throws {
        let directory = try directory.open()
        try directory.makeSubdirectoryUnlessThere("spool")
        try self.init(on: FileSpoolDisk(directory.subdirectory("spool")), limits: limits)
    }

    /// Opens the spool in a directory that only those can write to whom the user trusts, or makes it.
    ///
    /// - Throws: `Errno`.
    package convenience init(in path: String, limits: Limits = Limits()) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        try self.init(on: FileSpoolDisk(HeldDirectory(path: path)), limits: limits)
    }
}
