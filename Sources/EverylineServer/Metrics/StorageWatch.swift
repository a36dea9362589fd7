import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an operator asks about the server's storage and its process. `/metrics` needs no key, so the figures that cost
/// a scan are read at most every ten seconds, however often they are asked for.
package actor StorageWatch {
    /// How many executions have this status and, once they have ended, this reason.
    package struct Count: Sendable {
        let status: String
        let reason: String
        let count: Int

        package init(status: String, reason: String, count: Int) {
            self.status = status
            self.reason = reason
            self.count = count
        }
    }

    struct Figures: Sendable {
        var executions: [Count] = []
        var databaseBytes = 0
        var spoolBytes = 0
        var openFiles = 0
    }

    /// Where the server keeps things.
    package struct Places: Sendable {
        let directory: String
        let spool: String

        package init(directory: String, spool: String) {
            self.directory = directory
            self.spool = spool
        }

        /// The bytes that are left for the server on the disk that has the fewest; `nil` if no disk says.
        var free: Int? {
            [directory, spool].compactMap { path in
                var disk = statvfs()
                guard statvfs(path, &disk) == 0 else { return nil }
                return Int(clamping: disk.f_bavail.multipliedReportingOverflow(by: disk.f_frsize).partialValue)
            }.min()
        }

        /// Whether there is too little room for an append to be sure of its place.
        var isFull: Bool { free.map { $0 < StorageWatch.leastFree } ?? false }
    }

    /// One commit's worth of events.
    private static let leastFree = 16 << 20
    private static let age: Duration = .seconds(10)

    package nonisolated let places: Places
    package nonisolated let retentionAge: Duration?
    package nonisolated let retentionSize: Int?
    private let count: @Sendable () async throws -> [Count]
    private var figures = Figures()
    private var readAt: ContinuousClock.Instant?

    package init(
        places: Places, retentionAge: Duration?, retentionSize: Int?,
        count: @escaping @Sendable () async throws -> [Count]
    ) {
        self.places = places
        self.retentionAge = retentionAge
        self.retentionSize = retentionSize
        self.count = count
    }

    /// The figures, at most ten seconds old; a caller that comes while they are read gets the ones before.
    ///
    /// - Throws: what the store throws.
    func current(_ workers: Workers) async throws -> Figures {
        if let readAt, readAt + Self.age > .now { return figures }
        readAt = .now
        var read = try await workers.run { [places] in
            Figures(
                databaseBytes: Self.size(of: places.directory, named: "everyline.sqlite"),
                spoolBytes: Self.size(below: places.spool),
                openFiles: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0)
        }
        read.executions = try await count()
        figures = read
        return figures
    }

    private static func size(of directory: String, named name: String) -> Int {
        ["", "-wal", "-shm"].reduce(0) { $0 + size(ofFile: "\(directory)/\(name)\($1)") }
    }

    private static func size(below directory: String) -> Int {
        // A directory that isn't there holds nothing; a file that goes away meanwhile neither.
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
        return names.reduce(0) { $0 + size(ofFile: "\(directory)/\($1)") }
    }

    /// What the file takes on the disk.
    private static func size(ofFile path: String) -> Int {
        var file = stat()
        guard lstat(path, &file) == 0, file.st_mode & S_IFMT == S_IFREG else { return 0 }
        return Int(file.st_blocks) * 512
    }
}
