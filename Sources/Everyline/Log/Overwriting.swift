/// What carriage returns leave of a line, as far as that is certain: a progress bar is as long as its last state then,
/// not as all of them.
///
/// A terminal writes what follows a carriage return over what stands there. So a stretch between two of them is left
/// out if a later one certainly covers all its columns or erases the row. Where the width of a character, a colour that
/// goes on or a movement of the cursor leaves a doubt, everything stays.
enum Overwriting {
    static func remove(from text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "\r")) else { return text }
        let stretches = text.unicodeScalars.split(separator: "\r", omittingEmptySubsequences: false)
        var kept: [Substring.UnicodeScalarView] = []
        var covered = 0
        for stretch in stretches.reversed() {
            let extent = Extent(of: stretch)
            // Of the last one it is not yet known how it ends.
            if kept.isEmpty || !extent.isHarmless || extent.most > covered { kept.append(stretch) }
            covered = max(covered, extent.erases ? .max : extent.isHarmless ? extent.least : 0)
        }
        var left = String.UnicodeScalarView()
        for stretch in kept.reversed() {
            left.append(contentsOf: stretch)
            left.append("\r")
        }
        return String(String.UnicodeScalarView(left.dropLast()))
    }

    /// How many columns a stretch takes.
    private struct Extent {
        var least = 0
        var most = 0
        /// Whether it begins with the erasing of the row.
        var erases = false
        /// Whether it holds nothing but characters, erasing, and colours that end within it.
        var isHarmless = true

        init(of stretch: Substring.UnicodeScalarView) {
            var rest = stretch[...]
            var hasColour = false
            while let scalar = rest.popFirst() {
                switch scalar.value {
                case 0x20..<0x7F, 0xA0..<0x300, 0x2500...0x25FF, 0x2800...0x28FF:
                    least += 1
                    most += 1
                case 0x1B:
                    let parameters = rest.dropFirst().prefix { ("0"..."9").contains($0) || $0 == ";" }
                    let final = rest.dropFirst(1 + parameters.count).first
                    guard rest.first == "[", final == "m" || final == "K" else {
                        isHarmless = false
                        return
                    }
                    rest = rest.dropFirst(2 + parameters.count)
                    if final == "m" {
                        hasColour = !parameters.allSatisfy { $0 == "0" }
                    } else if most == 0, !parameters.elementsEqual("1".unicodeScalars) {
                        erases = true
                    }
                case ..<0x20, 0x7F..<0xA0:
                    isHarmless = false
                    return
                case 0x2E80...0xD7A3:
                    least += 1
                    most += 2
                default: most += 2
                }
            }
            isHarmless = !hasColour
        }
    }
}
