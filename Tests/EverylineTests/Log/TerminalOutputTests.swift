import Everyline
import Foundation
import Testing

/// What programs have drawn on a terminal: `scripts/terminal-outputs` records it.
@Suite("A line cutter at a terminal") struct TerminalOutputTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Outputs").standardizedFileURL
    private static let names = ["apt", "cargo", "docker", "git", "less", "npm", "pip", "pytest", "vim"]

    private static func lines(of output: Data, by portion: Int) -> [[UInt8]] {
        var (cutter, lines) = (LineCutter(endsAtCRLF: true), [[UInt8]]())
        output.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                cutter.feed(UnsafeRawBufferPointer(rebasing: rest.prefix(portion))) { line, _ in
                    lines.append(Array(line))
                }
                rest = rest.dropFirst(portion)
            }
        }
        cutter.finish { line, _ in lines.append(Array(line)) }
        return lines
    }

    @Test(
        "takes the terminal's line ends away and nothing else, whatever the portions",
        arguments: names, [1, 2, 3, 7, 100, 1_000_000])
    func outputs(name: String, portion: Int) throws {
        let output = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        try #require(output.count > 50)
        let lines = Self.lines(of: output, by: portion)
        // Put together again it is what it was, but for one carriage return before a newline.
        var expected: [UInt8] = []
        for byte in output {
            if byte == UInt8(ascii: "\n"), expected.last == UInt8(ascii: "\r") { expected.removeLast() }
            expected.append(byte)
        }
        var together = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        if output.last == UInt8(ascii: "\n") { together.append(UInt8(ascii: "\n")) }
        #expect(together == expected)
    }
}
