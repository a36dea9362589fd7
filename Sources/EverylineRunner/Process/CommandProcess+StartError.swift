import CSpawn
import Everyline
import Glibc
import SystemPackage

// Why it can't be started.
extension CommandProcess {
    func startError(_ cause: Errno, _ step: cspawn_step) -> StartError {
        let program = String(decoding: words[0], as: UTF8.self)
        switch step {
        case cspawn_directory:
            let directory = request.workingDirectory ?? ""
            let isMissing = cause == .noSuchFileOrDirectory || cause == .notDirectory
            return StartError(
                exitCode: 126,
                reason: isMissing ? "there is no directory \(directory)" : "it can't begin in \(directory): \(cause)")
        case cspawn_exec where cause == .noSuchFileOrDirectory:
            guard let interpreter = missingInterpreter() else {
                return StartError(exitCode: 127, reason: "there is no program \(program)")
            }
            return StartError(exitCode: 126, reason: "\(program) can't be run: \(interpreter)")
        default:
            return StartError(exitCode: 126, reason: "\(program) can't be run: \(cause)")
        }
    }

    /// Says what a program that is there lacks to be run: the interpreter that its first line names, or its loader.
    private func missingInterpreter() -> String? {
        guard words[0].contains(UInt8(ascii: "/")) else { return nil }
        var path = String(decoding: words[0], as: UTF8.self)
        if !path.hasPrefix("/"), let directory = request.workingDirectory { path = directory + "/" + path }
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else {
            return access(path, F_OK) == 0 ? "its interpreter is missing" : nil
        }
        defer { try? file.close() }
        let start = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        guard start.starts(with: "#!".utf8) else { return "the loader that it names is missing" }
        let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
        let name = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") && $0 != UInt8(ascii: "\r") }
        let ending = line.last == UInt8(ascii: "\r") ? ", with a carriage return at the line's end," : ""
        return
            "its first line names the interpreter \(String(decoding: name, as: UTF8.self))\(ending) which isn't there"
    }
}
