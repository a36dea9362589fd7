package import NIOCore

/// Lets of others' output through to a terminal what stays within its line: text, colours, tabs, carriage returns,
/// backspaces, moving over what the line has written, and inserting, taking out and erasing within the row. Everything
/// else that a terminal obeys (titles, the clipboard, the cursor, other erasing, charsets; as ESC sequences or as C1
/// controls) is left out, and so is what reorders text.
///
/// It works on bytes and keeps its state, so that a sequence may come in any number of parts. One that doesn't end, or
/// not within ``heldLimit`` bytes, is shown as text behind a visible `\u001b`: no text is hidden by a sequence that is
/// none.
package struct TerminalFilter: Sendable {
    /// What stands at the beginning of the line and isn't to be overwritten.
    package var margin: [UInt8] = []
    /// Whether a colour was set and not taken back.
    package private(set) var isColoured = false

    /// How many bytes of a sequence are held back while it isn't known what it is.
    static let heldLimit = 4096

    private var state = State.text
    private var held: [UInt8] = []
    /// How far a backspace may go back, at least, and how far from the line's beginning a character was written, at
    /// least.
    private var (column, written) = (0, 0)
    /// A character of which bytes are still to come, and how many.
    private var (character, missing) = (UInt32(0), 0)
    /// Whether the cursor was sent to the line's beginning, and the margin is to be written again.
    private var isReturned = false

    private enum State {
        case text
        /// Behind ESC.
        case escape
        /// Behind ESC and an intermediate byte.
        case intermediate
        case controlSequence
        /// Within OSC, DCS, SOS, PM or APC.
        case string
        /// Behind an ESC within such a string.
        case stringEscape
        /// Within a scalar that may be a C1 control or one that reorders text.
        case scalar
    }

    package init() {}

    /// Writes what of `bytes` may go to the terminal.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, to out: inout ByteBuffer) {
        var start = 0
        for (index, byte) in bytes.enumerated() {
            if state == .text, !isReturned, Self.isHarmless(byte) {
                count(byte)
                continue
            }
            if start < index { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) }
            start = index + 1
            take(byte, &out)
        }
        if start < bytes.count { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start...])) }
    }

    /// Ends the line: what is held is no sequence.
    package mutating func endLine(to out: inout ByteBuffer) {
        while !held.isEmpty { release(to: &out) }
        isReturned = false
        (column, written) = (0, 0)
        out.writeInteger(UInt8(ascii: "\n"))
    }

    /// Takes colours back, so that what is written next has its own.
    package mutating func reset(to out: inout ByteBuffer) {
        if isColoured { out.writeStaticString("\u{1B}[0m") }
        isColoured = false
    }

    private mutating func take(_ byte: UInt8, _ out: inout ByteBuffer) {
        switch state {
        case .text: takeText(byte, &out)
        case .scalar: takeScalar(byte, &out)
        case .escape:
            switch byte {
            case UInt8(ascii: "["): hold(byte, .controlSequence, &out)
            case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
                hold(byte, .string, &out)
            case 0x20...0x2F: hold(byte, .intermediate, &out)
            case 0x30...0x7E: drop()
            default: fail(byte, &out)
            }
        case .intermediate:
            switch byte {
            case 0x20...0x2F: hold(byte, .intermediate, &out)
            case 0x30...0x7E: drop()
            default: fail(byte, &out)
            }
        case .controlSequence:
            switch byte {
            case 0x20...0x3F: hold(byte, .controlSequence, &out)
            case 0x40...0x7E: endControlSequence(byte, &out)
            default: fail(byte, &out)
            }
        case .string:
            switch byte {
            case 0x07: drop()
            case 0x1B: state = .stringEscape
            case 0x0A, 0x18, 0x1A: fail(byte, &out)
            default: hold(byte, .string, &out)
            }
        case .stringEscape:
            if byte == UInt8(ascii: "\\") { return drop() }
            release(to: &out)
            take(0x1B, &out)
            take(byte, &out)
        }
    }

    private mutating func takeText(_ byte: UInt8, _ out: inout ByteBuffer) {
        switch byte {
        case 0x0A, 0x0D:
            out.writeInteger(byte)
            if byte == 0x0A { written = 0 }
            column = 0
            isReturned = true
        case 0x08 where column > 0:
            out.writeInteger(byte)
            column -= 1
        case 0x1B: hold(byte, .escape, &out)
        case 0xC2, 0xE2: hold(byte, .scalar, &out)
        case 0x09: show(CollectionOfOne(byte), &out)
        case ..<0x20, 0x7F: break
        default:
            show(CollectionOfOne(byte), &out)
            count(byte)
        }
    }

    /// Counts the columns that the text takes, once a character is whole.
    private mutating func count(_ byte: UInt8) {
        switch byte {
        case ..<0x80: step(1)
        case 0xC0...:
            missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3
            character = UInt32(byte) & (0x3F >> UInt32(missing))
        default:
            character = character << 6 | UInt32(byte & 0x3F)
            missing -= 1
            if missing == 0, let scalar = Unicode.Scalar(character) { step(CursorPosition.columns(of: scalar)) }
        }
    }

    private mutating func step(_ columns: Int) {
        column += columns
        written = max(written, column)
    }

    private mutating func takeScalar(_ byte: UInt8, _ out: inout ByteBuffer) {
        guard byte & 0xC0 == 0x80 else {
            return fail(byte, &out)
        }
        held.append(byte)
        let isWhole = held[0] == 0xC2 || held.count == 3
        guard isWhole else { return }
        let scalar = held
        drop()
        switch (scalar[0], scalar[1], scalar.last ?? 0) {
        // C1 controls.
        case (0xC2, 0x80...0x9F, _): break
        // Line and paragraph separators, embeddings and overrides of direction; isolates.
        case (0xE2, 0x80, 0xA8...0xAE), (0xE2, 0x81, 0xA6...0xA9): break
        default:
            show(scalar, &out)
            for byte in scalar { count(byte) }
        }
    }

    /// Of all control sequences only those for colours and the like (SGR), for erasing (EL), inserting (ICH) and taking
    /// out (DCH) within the row and for going to its beginning (CHA), back (CUB) and forth (CUF) over what was written
    /// stay within their place.
    private mutating func endControlSequence(_ final: UInt8, _ out: inout ByteBuffer) {
        let parameters = held.dropFirst(2)
        let isColour =
            final == UInt8(ascii: "m")
            && parameters.allSatisfy {
                (0x30...0x39).contains($0) || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: ":")
            }
        if isColour {
            let sequence = held + [final]
            isColoured = !parameters.allSatisfy { $0 == UInt8(ascii: "0") }
            drop()
            return show(sequence, &out)
        }
        drop()
        switch (final, String(decoding: parameters, as: UTF8.self)) {
        case (UInt8(ascii: "K"), ""), (UInt8(ascii: "K"), "0"): show("\u{1B}[K".utf8, &out)
        case (UInt8(ascii: "K"), "2") where isReturned: show("\u{1B}[K".utf8, &out)
        case (UInt8(ascii: "K"), "2") where margin.isEmpty: show("\u{1B}[2K".utf8, &out)
        case (UInt8(ascii: "G"), ""), (UInt8(ascii: "G"), "1"): take(0x0D, &out)
        case (UInt8(ascii: "@"), let count), (UInt8(ascii: "P"), let count), (UInt8(ascii: "C"), let count),
            (UInt8(ascii: "D"), let count):
            guard let count = count.isEmpty ? 1 : Int(count), (0...Self.farthest).contains(count) else { return }
            edit(final, max(1, count), &out)
        default: break
        }
    }

    /// As wide as terminals get.
    private static let farthest = 9999

    private mutating func edit(_ final: UInt8, _ count: Int, _ out: inout ByteBuffer) {
        var count = count
        switch final {
        case UInt8(ascii: "C"): count = min(count, written - column)
        case UInt8(ascii: "D"): count = min(count, column)
        default: break
        }
        guard count > 0 else { return }
        show("\u{1B}[\(count)\(Character(Unicode.Scalar(final)))".utf8, &out)
        if final == UInt8(ascii: "C") { column += count }
        if final == UInt8(ascii: "D") { column -= count }
    }

    private mutating func hold(_ byte: UInt8, _ next: State, _ out: inout ByteBuffer) {
        held.append(byte)
        state = next
        if held.count >= Self.heldLimit { release(to: &out) }
    }

    private mutating func drop() {
        held = []
        state = .text
    }

    /// What was held is no sequence; `byte` stands behind it.
    private mutating func fail(_ byte: UInt8, _ out: inout ByteBuffer) {
        release(to: &out)
        take(byte, &out)
    }

    /// Shows what is held as the text that it is.
    private mutating func release(to out: inout ByteBuffer) {
        let bytes = held
        let wasScalar = state == .scalar
        drop()
        // Half a scalar must not become a whole one with what comes behind something that is left out.
        if wasScalar { return show("\u{FFFD}".utf8, &out) }
        guard !bytes.isEmpty else { return }
        show(#"\u001b"#.utf8, &out)
        // There is no other ESC among them: one ends what is held.
        for byte in bytes.dropFirst() { take(byte, &out) }
    }

    private mutating func show(_ bytes: some Collection<UInt8>, _ out: inout ByteBuffer) {
        if isReturned { out.writeBytes(margin) }
        isReturned = false
        out.writeBytes(bytes)
    }

    private static func isHarmless(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20..<0x7F: true
        case 0x80...: byte != 0xC2 && byte != 0xE2
        default: false
        }
    }
}
