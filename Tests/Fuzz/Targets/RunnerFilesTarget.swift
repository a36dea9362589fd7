@testable import Everyline
@testable import EverylineProducer
@testable import EverylineRunner
import Foundation
import NIOCore
import SystemPackage

extension FuzzTarget {
    /// What an earlier runner left on disk: a spool's files and a job's, in any state.
    ///
    /// The input's parts (between lines of `---`) are files; a part's first line is the file's name.
    static let runnerFiles = FuzzTarget(name: "runner-files") { input in
        let files = RunnerFiles.shared
        try files.reset()
        for part in input.parts(between: "---") { try files.write(part) }
        do {
            try files.checkSpool()
        } catch is Errno {
            return
        }
        files.readJob()
    }
}

private final class RunnerFiles: Sendable {
    static let shared = RunnerFiles()

    private let execution: ExecutionID
    private let path: String

    private init() {
        let parent = FileManager.default.temporaryDirectory.path + "/everyline-fuzz-\(getpid())"
        guard let execution = ExecutionID("01hv3k5x7q2m4n6p8r0s1t3v5w") else { preconditionFailure("an id is one") }
        self.execution = execution
        path = parent + "/" + execution.rawValue
    }

    func reset() throws {
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path + "/spool", withIntermediateDirectories: true)
    }

    func write(_ part: ByteBuffer) throws {
        let name = part.lines.first.map { String(buffer: $0) } ?? ""
        var content = part
        content.moveReaderIndex(forwardBy: min(name.utf8.count + 1, content.readableBytes))
        let isJob = ["job.json", "command.json"].contains(name)
        guard isJob || (1...32).contains(name.utf8.count) && name.utf8.allSatisfy({ (0x30...0x7A).contains($0) }) else {
            return
        }
        try Data(content.readableBytesView).write(to: URL(fileURLWithPath: path + (isJob ? "/" : "/spool/") + name))
    }

    func readJob() {
        guard let job = JobDirectory(path: path) else { return expect(false, "a directory has its execution's name") }
        _ = try? job.job()
        _ = job.command()
    }

    func checkSpool() throws {
        let spool = try Spool(in: path + "/spool")
        let last = spool.last
        let events = try readAll(spool)
        expect(
            events.lines.count - 1 == last.distance(from: spool.acknowledged), "a spool holds what its offsets say")
        guard spool.end == nil, last.rawValue < UInt64(Int64.max) - 8 else { return }
        var line = ByteBuffer()
        EventFields.writeLine(
            UnsafeRawBufferPointer(start: nil, count: 0), timestamp: .epoch, stream: nil, isPartial: false, into: &line)
        spool.write(line, count: 1)
        expect(spool.last == last.next, "what is written next follows")
        let again = try Spool(in: path + "/spool")
        expect(again.last == spool.last && again.acknowledged == spool.acknowledged, "a spool outlives its process")
        let all = try readAll(again)
        expect(all == ByteBuffer(ByteBufferView(events) + ByteBufferView(line)), "nothing of it is lost")
        again.acknowledge(through: again.last)
        expect(try again.read(after: again.last, limit: 64) == nil, "nothing follows the last event")
    }

    private func readAll(_ spool: Spool) throws -> ByteBuffer {
        var offset = spool.acknowledged
        var events = ByteBuffer()
        while let (part, last) = try spool.read(after: offset, limit: 64) {
            expect(last > offset, "reading goes on")
            events.writeImmutableBuffer(part)
            offset = last
        }
        expect(offset == spool.last, "reading ends at the last event")
        return events
    }
}
