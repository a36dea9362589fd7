import Glibc

/// A Unix socket that only its owner can connect to, whatever the umask and the directory's mode are.
///
/// A new socket file has the umask's mode, and a library that binds it leaves no time to change that. So the server
/// binds it in a directory of its own (0700), sets its mode there, and then moves it to its place.
package struct PrivateSocket: Sendable {
    /// Where it is in the end.
    let path: String

    /// Where it is bound.
    var bindPath: String { room + "/s" }
    private var room: String { path + ".d" }

    /// How much longer than the path in the end is the one at which it is bound.
    package static let overhead = PrivateSocket(path: "").bindPath.utf8.count

    /// Makes the directory, without what a server that was killed has left of it.
    ///
    /// - Throws: ``UnusableFile``.
    func prepare() throws {
        unlink(bindPath)
        rmdir(room)
        guard mkdir(room, 0o700) == 0 else { throw failure(room) }
    }

    /// Gives the bound socket its mode and its place.
    ///
    /// - Throws: ``UnusableFile``.
    func publish() throws {
        guard chmod(bindPath, 0o600) == 0, rename(bindPath, path) == 0 else { throw failure(path) }
        rmdir(room)
    }

    private func failure(_ path: String) -> UnusableFile {
        UnusableFile(path: path, reason: String(cString: strerror(errno)))
    }
}
