import Everyline
import EverylineProducer
import Synchronization

/// A disk in memory that has so much room and fails when it is told to.
final class FaultyDisk: SpoolDisk {
    struct Failure: Error {}

    fileprivate struct State {
        var files: [String: [UInt8]] = [:]
        var capacity = Int.max
        var mayCreate = true
        var mayRead = true
        var mayRemove = true

        var used: Int { files.values.reduce(0) { $0 + $1.count } }
    }

    fileprivate let state = Mutex(State())

    /// How many bytes all files may have together.
    func setCapacity(_ bytes: Int) { state.withLock { $0.capacity = bytes } }
    /// Whether files can be made: there are inodes, the directory is there.
    func setMayCreate(_ may: Bool) { state.withLock { $0.mayCreate = may } }
    func setMayRead(_ may: Bool) { state.withLock { $0.mayRead = may } }
    func setMayRemove(_ may: Bool) { state.withLock { $0.mayRemove = may } }
    /// Changes what one of its files says.
    func damage(_ part: String, to other: String? = nil) {
        state.withLock { state in
            state.files = state.files.mapValues { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                return Array(text.replacing(part, with: other ?? String(repeating: "#", count: part.utf8.count)).utf8)
            }
        }
    }
    var used: Int { state.withLock { $0.used } }

    func names() throws -> [String] { state.withLock { Array($0.files.keys) } }

    func create(_ name: String) throws -> any SpoolFile {
        try state.withLock { state in
            guard state.mayCreate, state.files[name] == nil else { throw Failure() }
            state.files[name] = []
        }
        return File(disk: self, name: name)
    }

    func open(_ name: String) throws -> any SpoolFile {
        guard state.withLock({ $0.files[name] != nil }) else { throw Failure() }
        return File(disk: self, name: name)
    }

    func rename(_ name: String, to other: String) throws {
        state.withLock { $0.files[other] = $0.files.removeValue(forKey: name) }
    }

    func remove(_ name: String) throws {
        try state.withLock { state in
            guard state.mayRemove else { throw Failure() }
            state.files[name] = nil
        }
    }

    private struct File: SpoolFile {
        let disk: FaultyDisk
        let name: String

        func append(_ bytes: UnsafeRawBufferPointer) throws -> Int {
            try disk.state.withLock { state in
                // A full disk takes what there is room for first.
                let count = min(bytes.count, state.capacity - state.used)
                guard count > 0 else { throw Failure() }
                state.files[name, default: []] += bytes.prefix(count)
                return count
            }
        }

        func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            try disk.state.withLock { state in
                guard state.mayRead else { throw Failure() }
                let bytes = state.files[name, default: []].dropFirst(position).prefix(buffer.count)
                buffer.copyBytes(from: bytes)
                return bytes.count
            }
        }

        func sync() throws {}

        func truncate(to size: ByteCount) throws {
            disk.state.withLock { state in
                let count = state.files[name, default: []].count
                state.files[name, default: []].removeLast(count - size)
            }
        }

        func close() {}
    }
}
