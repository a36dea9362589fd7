import Glibc

/// What the kernel says of a process: proc_pid_stat(5).
struct ProcessStatus: Sendable, Equatable {
    let pid: Int32
    /// Its program's name, as the process itself may have changed it.
    let name: String
    /// Whether it has ended, and only its parent hasn't heard of it.
    let isZombie: Bool
    let parent: Int32
    let group: Int32
    let session: Int32
    /// In clock ticks since the boot.
    var startTime: UInt64

    /// The process with this number; `nil` if there is none, or it isn't for us to see.
    init?(of pid: Int32) {
        guard let bytes = Self.read("/proc/\(pid)/stat"),
            // The second field is the program's name in parentheses, and may hold anything.
            let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " ")).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard fields.count > 19, let parent = Int32(fields[1]), let group = Int32(fields[2]),
            let session = Int32(fields[3]), let startTime = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        name = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
        isZombie = fields[0] == "Z" || fields[0] == "X"
        self.parent = parent
        self.group = group
        self.session = session
        self.startTime = startTime
    }

    /// All processes that are there.
    /// Whether the system shows processes at all.
    static var areShown: Bool { ProcessStatus(of: getpid()) != nil }

    static func all() -> [ProcessStatus] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [ProcessStatus] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let pid = Int32(name), let status = ProcessStatus(of: pid) { found.append(status) }
        }
        return found
    }

    /// Whether the process began with this entry in its environment.
    func began(with entry: String) -> Bool {
        guard let environment = Self.read("/proc/\(pid)/environ") else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(entry.utf8) }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while true {
            let portion = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
            }
            if portion.isEmpty { return bytes.isEmpty ? nil : bytes }
            bytes += portion
        }
    }
}

extension [ProcessStatus] {
    /// The processes that `isRoot` names, and all that they have started, as far as those between are there; without
    /// zombies.
    func descendants(_ isRoot: (ProcessStatus) -> Bool) -> [ProcessStatus] {
        let children = Dictionary(grouping: self, by: \.parent)
        var found = filter(isRoot)
        var seen = Set(found.map(\.pid))
        var next = 0
        while next < found.count {
            for child in children[found[next].pid] ?? [] where seen.insert(child.pid).inserted { found.append(child) }
            next += 1
        }
        return found.filter { !$0.isZombie }
    }
}
