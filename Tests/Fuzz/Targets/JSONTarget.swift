@testable import Everyline
import Foundation
import NIOCore

extension FuzzTarget {
    /// `JSONScanner` takes exactly the texts that Foundation takes, strings and integers with the same values.
    static let json = FuzzTarget(name: "json") { input in
        let bytes = Array(input.bytes.readableBytesView)
        let isAccepted = bytes.withUnsafeBytes { text in
            var scanner = JSONScanner(text)
            guard (try? scanner.skipValue()) != nil else { return false }
            scanner.skipBlanks()
            return scanner.isAtEnd
        }
        let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        if isAccepted {
            expect(
                value != nil || input.bytes.mayHoldLoneSurrogates || bytes.holdsDigits(atLeast: 3),
                "what the scanner takes is JSON")
        } else if value != nil {
            // The scanner doesn't go deeper than 16.
            expect(
                input.bytes.mayBeReadLeniently || bytes.count { [0x5B, 0x7B].contains($0) } >= 16,
                "the scanner takes what is JSON")
        }
        guard let value, !input.bytes.mayBeReadLeniently else { return }
        bytes.withUnsafeBytes { text in
            var scanner = JSONScanner(text)
            if let string = value as? String, let taken = try? scanner.string() {
                expect(scanner.decodeString(taken) == string, "a string stands for what Foundation says")
                expect(
                    String(decoding: scanner.decode(taken), as: UTF8.self).unicodeScalars.elementsEqual(
                        string.unicodeScalars), "a string stands for the same scalars")
            }
            scanner = JSONScanner(text)
            if let number = value as? NSNumber, let taken = try? scanner.integer() {
                expect(taken == number.int64Value, "an integer is what Foundation says")
            }
        }
    }
}

extension [UInt8] {
    /// Whether a number in it may be beyond what Foundation can hold: those it refuses.
    fileprivate func holdsDigits(atLeast count: Int) -> Bool {
        self.count { (0x30...0x39).contains($0) } >= count
    }
}
