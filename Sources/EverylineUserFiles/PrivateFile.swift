import Glibc
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Files that hold secrets: only their owner may read them.
package enum PrivateFile {
    /// The longest such file that is read, in bytes.
    private static let limit = 1 << 20

    /// - Throws: ``UserFileError``.
    package static func read(_ path: String) throws -> String {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            return try file.closeAfter {
                var bytes = [UInt8](repeating: 0, count: limit)
                let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
                return String(decoding: bytes[..<count], as: UTF8.self)
            }
        } catch let error as Errno {
            throw UserFileError("\(path) can't be read: \(error)")
        }
    }

    /// Writes the file whole or not at all, readable by its owner alone. Makes the directory (0700) if need be.
    ///
    /// - Throws: ``UserFileError``.
    package static func write(_ text: String, to path: String) throws {
        let directory = FilePath(path).removingLastComponent()
        let temporary = path + ".new"
        do {
            if !directory.isEmpty, !FileManager.default.fileExists(atPath: directory.string) {
                try FileManager.default.createDirectory(
                    atPath: directory.string, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            }
            _ = unlink(temporary)
            let file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll(Array(text.utf8)) }
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw UserFileError("\(path) can't be written: \(error)")
        }
    }
}
