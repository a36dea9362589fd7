import Everyline

/// Where a terminal's cursor is behind text that was written from the beginning of a row: how many rows below it, and
/// in which column. An estimate, as no program knows which characters a terminal takes for wide.
struct CursorPosition {
    private(set) var row = 0
    private var column = 0
    private let width: Int
    /// The sequence that the last characters are the beginning of.
    private var sequence: String.UnicodeScalarView?
    private var isJoined = false

    /// - Parameter width: how many columns the terminal has.
    init(width: Int) { self.width = max(1, width) }

    /// Takes what a ``TerminalFilter`` lets through.
    mutating func write(_ text: String) { for scalar in text.unicodeScalars { write(scalar) } }

    private mutating func write(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\u{1B}": sequence = .init()
        case _ where sequence != nil:
            sequence?.append(scalar)
            // The introducer is one of them.
            if ("@"..."Z").contains(scalar) || ("a"..."z").contains(scalar) { obey() }
        case "\r": column = 0
        case "\u{8}": column = max(0, column - 1)
        case "\t": column = min(width - 1, (column / 8 + 1) * 8)
        // What it joins is one picture for some terminals: too few rows are taken back then, and never one that isn't
        // the line's.
        case "\u{200D}": isJoined = true
        case _ where isJoined: isJoined = false
        default: move(by: Self.columns(of: scalar))
        }
    }

    private mutating func obey() {
        let parts = sequence ?? .init()
        sequence = nil
        let count = Int(String(parts.dropFirst().dropLast())) ?? 1
        if parts.last == "C" { column = min(width - 1, column + count) }
        if parts.last == "D" { column = max(0, column - count) }
    }

    /// What of a text that begins a row is in the window once it is written, behind all sequences that came before;
    /// `nil` if that is all of it.
    static func end(of text: String, in window: TerminalSize) -> String? {
        var cursor = CursorPosition(width: window.columns)
        var rows = [(text: String.UnicodeScalarView(), sequences: String.UnicodeScalarView())]
        for scalar in text.unicodeScalars {
            let row = cursor.row
            let isText = cursor.sequence == nil && scalar != "\u{1B}"
            cursor.write(scalar)
            if cursor.row > row { rows.append((.init(), .init())) }
            rows[rows.count - 1].text.append(scalar)
            if !isText { rows[rows.count - 1].sequences.append(scalar) }
        }
        guard rows.count > window.rows else { return nil }
        let shown = rows.dropLast(window.rows).map(\.sequences) + rows.suffix(window.rows).map(\.text)
        return shown.map { String($0) }.joined()
    }

    private mutating func move(by columns: Int) {
        if columns > 0, column + columns > width {
            row += 1
            column = 0
        }
        column += columns
    }

    static func columns(of scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        // Vowels and last consonants of Hangul, which join the letter before.
        case 0x1160...0x11FF, 0xD7B0...0xD7FF: return 0
        // Letters of flags, which are wide as pairs.
        case 0x1F1E6...0x1F1FF: return 1
        default:
            if scalar.properties.isEmojiPresentation { return 2 }
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: return 0
            default: return 1
            }
        }
    }
}
