package import Everyline
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// Starts a command in a session of its own and waits for its end. The whole process group can be signalled.
package final class CommandProcess: Sendable {
    let request: RunRequest
    private let environment: [String: String]
    private let state = Mutex(State())

    private struct State {
        var leader: ProcessIdentity?
        /// A signal that came before the process was there.
        var pending: Int32?
    }

    /// Why a command could not be started.
    package struct StartError: Error, Equatable {
        /// 127 if there is no such program, 126 if it can't be run: as a shell gives it.
        package let exitCode: Int32
        package let reason: String
    }

    /// - Parameter environment: the command's whole environment.
    package init(_ request: RunRequest, environment: [String: String]) {
        self.request = request
        self.environment = environment
    }

    /// Runs the command.
    ///
    /// - Parameters:
    ///   - input: its standard input; nothing if `nil`.
    ///   - output: both its output streams, or its standard output if there is `error`. They are closed here.
    ///   - onStart: gets the process, which leads its session and its process group.
    /// - Returns: its exit code, or 128 and the number of the signal that ended it.
    /// - Throws: ``StartError``, and what `onStart` throws.
    func run(
        input: FileDescriptor?, output: FileDescriptor, error: FileDescriptor?,
        onStart: (ProcessIdentity) throws -> Void
    ) async throws -> Int32 {
        if let directory = request.workingDirectory, !Self.isDirectory(directory) {
            Self.close(output, error)
            throw StartError(exitCode: 126, reason: "there is no directory \(directory)")
        }
        var options = PlatformOptions()
        options.createSession = true
        let configuration = Configuration(
            executable: executable, arguments: Arguments(Array(request.command.dropFirst())),
            environment: .custom(Dictionary(uniqueKeysWithValues: environment.map { (.init(stringLiteral: $0), $1) })),
            workingDirectory: request.workingDirectory.map { FilePath($0) }, platformOptions: options)
        let source = try input ?? FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
        defer { if input == nil { try? source.close() } }
        let standardInput = FileDescriptorInput.fileDescriptor(source, closeAfterSpawningProcess: false)
        let standardOutput = FileDescriptorOutput.fileDescriptor(output, closeAfterSpawningProcess: true)
        do {
            let status: TerminationStatus
            if let error {
                status = try await Subprocess.run(
                    configuration, input: standardInput, output: standardOutput,
                    error: .fileDescriptor(error, closeAfterSpawningProcess: true)
                ) { try started($0.processIdentifier.value, onStart) }.terminationStatus
            } else {
                status = try await Subprocess.run(
                    configuration, input: standardInput, output: standardOutput, error: .combinedWithOutput
                ) { try started($0.processIdentifier.value, onStart) }.terminationStatus
            }
            switch status {
            case .exited(let code): return code
            case .signaled(let signal): return 128 + signal
            }
        } catch let error as SubprocessError {
            throw startError(error)
        }
    }

    /// Sends a signal to the command's whole process group, at once or when it has started.
    package func signal(_ signal: Int32) {
        let leader = state.withLock { state in
            if state.leader == nil { state.pending = signal }
            return state.leader
        }
        leader?.signalGroup(signal)
    }

    private func started(_ pid: Int32, _ onStart: (ProcessIdentity) throws -> Void) throws {
        // Until it has been waited for, which comes after this, its number is its own.
        guard let leader = ProcessIdentity(of: pid) else { return }
        try onStart(leader)
        let pending = state.withLock { state in
            state.leader = leader
            return state.pending
        }
        if let pending { leader.signalGroup(pending) }
    }

    /// A name is looked up in the command's own `PATH`; anything with a slash is a path, from its working directory on.
    private var executable: Executable {
        let program = request.command[0]
        guard program.contains("/") else { return .name(program) }
        guard !program.hasPrefix("/"), let directory = request.workingDirectory else { return .path(FilePath(program)) }
        return .path(FilePath(directory).appending(program))
    }

    private func startError(_ error: SubprocessError) -> StartError {
        let program = request.command[0]
        if error.code == .executableNotFound {
            // The same error stands for a file that is there, but isn't a program.
            let isThere = program.contains("/") && access(program, F_OK) == 0
            return isThere
                ? StartError(exitCode: 126, reason: "\(program) can't be run: it is no program, or not executable")
                : StartError(exitCode: 127, reason: "there is no program \(program)")
        }
        let cause = error.underlyingError
        return StartError(
            exitCode: cause == .noSuchFileOrDirectory ? 127 : 126,
            reason: "\(program) can't be run: \(cause.map { "\($0)" } ?? "\(error)")")
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func close(_ files: FileDescriptor?...) {
        for file in files { try? file?.close() }
    }
}
