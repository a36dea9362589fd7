import Everyline
import NIOCore
import NIOPosix
import SystemPackage

/// Takes one stream of output from its reader to the recorder, to its end, no faster than the spool has room.
struct OutputPump: Sendable {
    let reader: OutputReader
    let stream: LogLine.Stream?
    let recorder: Recorder
    /// Where the output goes besides.
    let copy: FileDescriptor?
    let threads: NIOThreadPool

    /// Returns when the stream has ended or its reader was interrupted.
    ///
    /// - Throws: `Errno`.
    func run() async throws {
        var cutter = LineCutter(limit: recorder.lineLimit)
        var copy = copy
        while true {
            let (reader, target) = (reader, copy)
            let (bytes, isCopied) = try await threads.runIfActive {
                let bytes = try reader.read()
                return (bytes, target.map { $0.takes(bytes) } ?? true)
            }
            // Nobody reads the copy any more; that is no reason not to record.
            if !isCopied { copy = nil }
            guard bytes.readableBytes > 0 else { break }
            try recorder.record(bytes, from: stream, cutter: &cutter)
            try await waitForRoom()
        }
        try recorder.finish(stream, cutter: &cutter)
    }

    private func waitForRoom() async throws {
        guard try !recorder.spool.hasRoom() else { return }
        let changes = recorder.spool.subscribe()
        while true {
            let version = changes.version
            if try recorder.spool.hasRoom() { return }
            try await withThrowingTaskGroup { group in
                group.addTask { _ = try await changes.wait(past: version) }
                // The server's acknowledgements make room, and they are announced. But where the disk was full somebody else
                // may make it, and no system call waits for that: it has to be tried again.
                group.addTask { try await Task.sleep(for: .milliseconds(200)) }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}

extension FileDescriptor {
    /// Whether somebody took the bytes.
    fileprivate func takes(_ bytes: ByteBuffer) -> Bool {
        do {
            _ = try bytes.withUnsafeReadableBytes { try writeAll($0) }
            return true
        } catch {
            return false
        }
    }
}
