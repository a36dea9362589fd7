import Everyline
import EverylineProducer
import Synchronization

/// The disk of a producer's machine, in memory: what a process writes is there after the process has died, but not
/// after the power was lost.
final class SimulatedDisk: Sendable {
    /// What is wrong with it just now.
    struct Condition: OptionSet, Hashable {
        let rawValue: Int

        /// It has no room for more bytes than ``free``.
        static let full = Condition(rawValue: 1)
        /// It has room, but not for another file.
        static let noInodes = Condition(rawValue: 2)
        /// Every call fails.
        static let away = Condition(rawValue: 4)
        static let unreadable = Condition(rawValue: 8)
        /// Writes take a part of what they are given.
        static let short = Condition(rawValue: 16)
        /// One of the mutations: what a full disk doesn't take counts as written.
        static let lying = Condition(rawValue: 32)
        /// Another: it keeps no place of a line that is sent in parts.
        static let forgetful = Condition(rawValue: 64)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var files: [String: [UInt8]] = [:]
        var conditions: Condition = []
        var free = 0
        /// The files that a loss of power leaves as they are.
        var synced: Set<String> = []
    }

    private let state = Mutex(State())

    /// - Parameter free: how many bytes it has room for while it is full.
    func begin(_ condition: Condition, free: Int = 0) {
        state.withLock { state in
            state.conditions.insert(condition)
            state.free = free
        }
    }

    func end(_ condition: Condition) { state.withLock { _ = $0.conditions.remove(condition) } }

    /// The disk, for one process.
    func mounted() -> Mount { Mount(disk: self) }

    /// The offset of the last event that is whole on the disk; 0 if there is none.
    var lastEvent: Offset {
        state.withLock { state in
            var last = Offset.zero
            for name in state.files.keys.sorted() {
                guard let base = Offset(decimal: name), let bytes = state.files[name] else { continue }
                last = Offset(base.rawValue - 1).advanced(by: bytes.count { $0 == UInt8(ascii: "\n") })
            }
            return last
        }
    }

    /// The power is gone: of each file there is a part. Files come to be in their order, so where one is missing all
    /// later ones are.
    ///
    /// - Parameter kept: draws how much is left of so many bytes; `nil` for no file.
    func losePower(_ kept: (Int) -> Int?) {
        state.withLock { state in
            var isMissing = false
            for name in state.files.keys.sorted() where !state.synced.contains(name) {
                let count = state.files[name]?.count ?? 0
                let left = isMissing ? nil : kept(count)
                isMissing = left == nil
                if let left { state.files[name]?.removeLast(count - left) } else { state.files[name] = nil }
            }
        }
    }

    /// The directory is deleted: it isn't needed any more.
    func empty() { state.withLock { $0.files.removeAll() } }

    /// One process's way to the disk, until the process is dead.
    final class Mount: SpoolDisk {
        private let disk: SimulatedDisk
        private let isGone = Atomic(false)

        fileprivate init(disk: SimulatedDisk) { self.disk = disk }

        func unmount() { isGone.store(true, ordering: .relaxed) }

        func names() throws -> [String] { try use { $0.files.keys.sorted() } }

        func create(_ name: String) throws -> any SpoolFile {
            try use { state in
                guard state.files[name] == nil else { throw Failure(description: "there is a file \(name)") }
                guard !state.conditions.contains(.noInodes) else { throw Failure(description: "no inodes are left") }
                state.files[name] = []
            }
            return File(mount: self, name: name)
        }

        func open(_ name: String) throws -> any SpoolFile {
            try use { state in
                guard state.files[name] != nil else { throw Failure(description: "there is no file \(name)") }
            }
            return File(mount: self, name: name)
        }

        func rename(_ name: String, to other: String) throws {
            try use { state in
                let bytes = state.files.removeValue(forKey: name)
                let isOfParts = bytes.map { String(decoding: $0, as: UTF8.self).contains(#""part""#) } ?? false
                if isOfParts, state.conditions.contains(.forgetful) { return }
                state.files[other] = bytes
                if state.synced.remove(name) == nil { state.synced.remove(other) } else { state.synced.insert(other) }
            }
        }

        func remove(_ name: String) throws {
            try use { state in
                state.files[name] = nil
                state.synced.remove(name)
            }
        }

        private func use<Value>(_ body: (inout State) throws -> Value) throws -> Value {
            guard !isGone.load(ordering: .relaxed) else { throw Failure(description: "the process is dead") }
            return try disk.state.withLock { state in
                guard !state.conditions.contains(.away) else { throw Failure(description: "the disk is away") }
                return try body(&state)
            }
        }

        private struct File: SpoolFile {
            let mount: Mount
            let name: String

            func append(_ bytes: UnsafeRawBufferPointer) throws -> Int {
                try mount.use { state in
                    var count = bytes.count
                    if state.conditions.contains(.short) { count = (count + 1) / 2 }
                    if state.conditions.contains(.full) {
                        count = min(count, state.free)
                        state.free -= count
                        if count == 0, state.conditions.contains(.lying) { return bytes.count }
                        guard count > 0 else { throw Failure(description: "no space is left") }
                    }
                    state.files[name]?.append(contentsOf: bytes[..<count])
                    return count
                }
            }

            func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
                try mount.use { state in
                    guard !state.conditions.contains(.unreadable) else {
                        throw Failure(description: "it can't be read")
                    }
                    guard let bytes = state.files[name], position < bytes.count else { return 0 }
                    let part = bytes[position..<min(bytes.count, position + buffer.count)]
                    buffer.copyBytes(from: part)
                    return part.count
                }
            }

            func sync() throws { try mount.use { _ = $0.synced.insert(name) } }

            func truncate(to size: ByteCount) throws {
                try mount.use { state in
                    guard let bytes = state.files[name] else { return }
                    state.files[name]?.removeLast(bytes.count - size)
                }
            }

            func close() {}
        }
    }
}
