import NIOCore
import Testing

@testable import Everyline

@Suite("A JSON scanner")
struct JSONScannerTests {
    @Test("passes over any number of JSON", arguments: ["0", "-0", "10", "-1.50", "0e1", "1E+5", "2.5e-10"])
    func numbers(_ text: String) {
        #expect(isValue(text))
    }

    @Test(
        "passes over nothing that looks like a number and is none",
        arguments: ["-", "--1", "01", "1.", ".5", "1e", "1e+", "1-2", "+1", "1.2.3", "1e5e5", "1.e5"])
    func others(_ text: String) {
        #expect(!isValue(text))
    }

    @Test("doesn't read a line with such a field")
    func unknownField() {
        let line = ByteBuffer(string: #"{"offset":1,"timestamp":1,"message":"m","new":1-2}"#)
        #expect(throws: LogEventDecodingError.malformed) { try LogEvent.decode(lines: line) }
    }

    @Test("finds the first byte that isn't plain, wherever it stands", arguments: 0...20)
    func plainText(length: Int) {
        let special: [UInt8] = [0, 0x1F, 0x22, 0x5C, 0x80, 0xFF]
        for first in 0...length {
            for (byte, plain) in zip(special, [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] as [UInt8]) {
                var text = [UInt8](repeating: plain, count: length)
                // What follows may be special too.
                for index in first..<length { text[index] = index == first ? byte : 0x22 }
                for start in 0...first { #expect(text.withUnsafeBytes { $0.endOfPlainText(from: start) } == first) }
            }
        }
    }

    private func isValue(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            return (try? scanner.skipValue()) != nil && scanner.isAtEnd
        }
    }
}
