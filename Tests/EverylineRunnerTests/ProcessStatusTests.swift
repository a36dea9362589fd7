import Foundation
import Testing

@testable import EverylineRunner

@Suite("A process, as the kernel describes it,") struct ProcessStatusTests {
    /// Starts a shell; what it writes is read from the file handle.
    private func start(_ script: String) throws -> (pid: Int32, output: FileHandle) {
        let output = Pipe()
        let pid = try SpawnedProcess(
            programs: [Array("/bin/sh".utf8)], words: ["sh", "-c", script].map { Array($0.utf8) },
            environment: .inherited,
            directory: nil,
            descriptors: (-1, output.fileHandleForWriting.fileDescriptor, output.fileHandleForWriting.fileDescriptor),
            inherits: false
        ).start().pid
        try output.fileHandleForWriting.close()
        return (pid, output.fileHandleForReading)
    }

    private func end(_ pid: Int32) -> Int32 {
        var status: Int32 = 0
        killpg(pid, SIGKILL)
        waitpid(pid, &status, 0)
        return status
    }

    @Test("is found among all, with its parent") func found() throws {
        let (pid, _) = try start("exec sleep 1000")
        defer { _ = end(pid) }
        let status = try #require(ProcessStatus(of: pid))
        #expect(status.parent == getpid())
        #expect(ProcessStatus.all().contains { $0.pid == pid && $0.startTime == status.startTime })
        #expect(ProcessIdentity(of: pid)?.names(status) == true)
    }

    @Test("is signalled, and never one that has its number since") func signalled() throws {
        let (pid, output) = try start("echo begun; exec sleep 1000")
        // Its number stays its own until it is waited for.
        #expect(output.availableData == Data("begun\n".utf8))
        let status = try #require(ProcessStatus(of: pid))
        var stranger = status
        stranger.startTime += 1
        #expect(stranger.signal(SIGKILL))
        #expect(status.signal(SIGTERM))
        var ending: Int32 = 0
        #expect(waitpid(pid, &ending, 0) == pid)
        // Not by the SIGKILL that was meant for the other one.
        #expect(ending & 0x7F == SIGTERM)
        #expect(status.signal(SIGTERM))
    }

    @Test("has what its children have started among its descendants, whatever session that is in") func descendants()
        throws
    {
        let (pid, output) = try start("setsid sh -c 'echo $$; exec sleep 1000' & wait")
        defer { _ = end(pid) }
        let text = String(decoding: output.availableData, as: UTF8.self)
        let grandchild = try #require(Int32(text.filter(\.isNumber)))
        let found = ProcessStatus.all().descendants { $0.pid == pid }
        #expect(found.contains { $0.pid == grandchild })
        for process in found.reversed() { process.signal(SIGKILL) }
    }

    @Test("says with which environment it began") func environment() throws {
        #expect(ProcessStatus(of: getpid())?.began(with: "NO_SUCH_VARIABLE=1") == false)
        let path = try #require(ProcessInfo.processInfo.environment["PATH"])
        #expect(ProcessStatus(of: getpid())?.began(with: "PATH=\(path)") == true)
    }
}
