import Glibc
package import SystemPackage

/// swift-system's; NIO has another one of that name.
package typealias FileDescriptor = SystemPackage.FileDescriptor

extension FileDescriptor {
    /// A pipe whose ends aren't inherited by the commands that are started.
    package static func closeOnExecPipe() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let ends = try pipe()
        for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        return ends
    }

    /// `F_SETPIPE_SZ` of fcntl(2), which Glibc's module leaves out.
    private static let setPipeSize: Int32 = 1031

    /// Makes a pipe hold more, where the system allows it: fewer turns between who writes and who reads.
    package func widenPipe() {
        _ = fcntl(rawValue, Self.setPipeSize, 1 << 20)
    }
}
