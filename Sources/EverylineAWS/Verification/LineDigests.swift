import Crypto
import Everyline

#if canImport(Glibc)
    import Glibc
#endif

/// What a log's lines were, by their numbers: a digest of each, in a file without a name. So a log of any length, whose
/// lines come in any order, takes 16 bytes of disk a line and 64 KiB of memory.
struct LineDigests: ~Copyable {
    /// What is kept of one line.
    struct Entry: Equatable {
        var digest: (UInt64, UInt32) = (0, 0)
        /// As ``Kind`` says; zero for a line that nothing was said of.
        fileprivate(set) var kind: UInt8 = 0
        /// Whether the number came with two texts.
        var isDoubtful = false
        /// How many events the log makes of it.
        var parts: UInt16 = 0

        static func == (one: Entry, other: Entry) -> Bool {
            one.digest == other.digest && one.kind == other.kind && one.parts == other.parts
        }
    }

    enum Kind: UInt8 {
        case line = 1
        case part
        case end
    }

    private static let size = 16
    private static let windowSize = 4096

    private let file: Int32
    /// The entries from `start` on, as they are to be in the file.
    private var window = [UInt8](repeating: 0, count: Self.windowSize * Self.size)
    private var start: UInt64 = 0
    private var isChanged = false

    /// - Throws: ``NoRoomForDigests``.
    init(in directory: String) throws {
        // mkstemp(3) puts letters in the place of the six X, so that the name is no other file's.
        var path = Array("\(directory)/everyline-verify-XXXXXX".utf8CString)
        file = mkstemp(&path)
        guard file >= 0 else { throw NoRoomForDigests(errno) }
        // It ends with the process, whatever ends that.
        unlink(path)
    }

    deinit { close(file) }

    static func digest(_ text: some StringProtocol) -> (UInt64, UInt32) {
        var hash = SHA256()
        var text = String(text)
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return hash.finalize().withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        }
    }

    /// What is known of a line; `nil` if nothing is.
    mutating func entry(_ number: UInt64) throws -> Entry? {
        let place = try place(of: number)
        return window.withUnsafeBytes { bytes in
            let kind = bytes[place + 12]
            guard kind != 0 else { return nil }
            return Entry(
                digest: (
                    bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt32.self)
                ), kind: kind, isDoubtful: bytes[place + 13] != 0,
                parts: bytes.loadUnaligned(fromByteOffset: place + 14, as: UInt16.self))
        }
    }

    mutating func set(_ number: UInt64, to entry: Entry) throws {
        let place = try place(of: number)
        window.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: entry.digest.0, toByteOffset: place, as: UInt64.self)
            bytes.storeBytes(of: entry.digest.1, toByteOffset: place + 8, as: UInt32.self)
            bytes[place + 12] = entry.kind
            bytes[place + 13] = entry.isDoubtful ? 1 : 0
            bytes.storeBytes(of: entry.parts, toByteOffset: place + 14, as: UInt16.self)
        }
        isChanged = true
    }

    /// Where the entry is in the window, which is moved there.
    private mutating func place(of number: UInt64) throws -> Int {
        let wanted = number / UInt64(Self.windowSize) * UInt64(Self.windowSize)
        if wanted != start {
            try write()
            start = wanted
            try read()
        }
        return Int(number - start) * Self.size
    }

    private mutating func write() throws {
        guard isChanged else { return }
        var done = 0
        while done < window.count {
            let count = window.withUnsafeBytes {
                pwrite(file, $0.baseAddress?.advanced(by: done), $0.count - done, Int(start) * Self.size + done)
            }
            guard count > 0 || errno == EINTR else { throw NoRoomForDigests(errno) }
            done += max(0, count)
        }
        isChanged = false
    }

    private mutating func read() throws {
        for place in window.indices { window[place] = 0 }
        var done = 0
        while done < window.count {
            let count = window.withUnsafeMutableBytes {
                pread(file, $0.baseAddress?.advanced(by: done), $0.count - done, Int(start) * Self.size + done)
            }
            if count == 0 { return }
            guard count > 0 || errno == EINTR else { throw NoRoomForDigests(errno) }
            done += max(0, count)
        }
    }
}

extension LineDigests.Entry {
    init(_ digest: (UInt64, UInt32), _ kind: LineDigests.Kind, parts: Int) {
        self.init(digest: digest, kind: kind.rawValue, parts: UInt16(clamping: parts))
    }

    func `is`(_ kind: LineDigests.Kind) -> Bool { self.kind == kind.rawValue }
}

/// The digests have no place on the disk.
package struct NoRoomForDigests: Error, CustomStringConvertible {
    let code: Int32

    init(_ code: Int32) { self.code = code }

    package var description: String {
        "The lines' digests, 16 bytes a line, can't be kept in the directory for temporary files (TMPDIR): "
            + String(cString: strerror(code))
    }
}
