import EverylineRunner
import Glibc
import NIOCore
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The two streams that a person or a script reads.
enum Console {
    typealias File = SystemPackage.FileDescriptor

    /// Says something to the person, on standard error, beside the data.
    static func say(_ text: String) {
        // Nobody may be reading; the exit code says what matters.
        try? write(Array("everyline: \(text)\n".utf8), to: .standardError)
    }

    /// Writes a line of data.
    ///
    /// - Throws: `Errno`; `brokenPipe` when the reader has hung up.
    static func print(_ line: String) throws {
        try write(Array((line + "\n").utf8), to: .standardOutput)
    }

    static func write(_ bytes: ByteBuffer) throws {
        try bytes.withUnsafeReadableBytes { try File.standardOutput.writeWaiting($0) }
    }

    private static func write(_ bytes: [UInt8], to file: File) throws {
        try bytes.withUnsafeBytes { try file.writeWaiting($0) }
    }

    /// Whether data may be coloured: it goes to a terminal that can, and the user doesn't mind (no-color.org).
    static func mayColour(_ environment: [String: String]) -> Bool {
        isatty(STDOUT_FILENO) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// As indented JSON with sorted keys.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension OutputCopy {
    /// A copy whose failure is said to the user.
    static func copy(to target: Console.File, named name: String) -> OutputCopy {
        OutputCopy(to: target) { error in
            // As other programs do, without a word where the reader has simply gone.
            if error != .brokenPipe { Console.say("\(name) can't be written: \(error). The log has it all.") }
        }
    }
}
