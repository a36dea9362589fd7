package import Everyline
package import NIOCore

/// Turns blocks into what a terminal or a file gets, a whole block at a time. It does no I/O.
///
/// As text: each message with its newline, as it was written, or for a terminal what a ``TerminalFilter`` leaves of it.
/// A `partial` event has none, so that an over-long line is whole again. What the log says besides output, notices and
/// the end, is handed out apart.
package struct LogPrinter: Sendable {
    package struct Style: Sendable, Equatable {
        /// Whether each line begins with its time.
        package var timestamps: Bool
        /// Whether lines of the error stream are coloured.
        package var colours: Bool
        /// Whether a terminal reads it, which what a log holds must not steer.
        package var isForTerminal: Bool
        /// The size of a terminal that shows lines before they have a newline; `nil` where whole lines only are
        /// printed.
        package var pendingWindow: TerminalSize?
        /// Whether the terminal can take back what it shows.
        package var canErase: Bool

        package init(
            timestamps: Bool = false, colours: Bool = false, isForTerminal: Bool = false,
            pendingWindow: TerminalSize? = nil, canErase: Bool = true
        ) {
            self.timestamps = timestamps
            self.colours = colours
            self.isForTerminal = isForTerminal
            self.pendingWindow = pendingWindow
            self.canErase = canErase
        }
    }

    /// A pending line in which the cursor stands.
    private struct Shown {
        var line: PendingLine
        var cursor: CursorPosition
        /// Whether all of the line is shown: the window has room for it.
        var isWhole = true
        /// As it was before the line.
        let filter: TerminalFilter
    }

    package var style: Style
    /// Whether the next event goes on with a line that was cut.
    private var isWithinLine = false
    /// What the log said besides output, since it was taken last.
    private var asides: [String] = []
    private var filter = TerminalFilter()
    private var shown: Shown?
    /// How many bytes of the next message the terminal shows already.
    private var shownBytes: ByteCount = 0

    package init(_ style: Style) { self.style = style }

    /// Takes what the log said besides output since this was called last.
    package mutating func takeNotices() -> [String] {
        defer { asides = [] }
        return asides
    }

    /// The block's events as they came, each on a line. For a terminal the same JSON, in which everything is visible.
    package func json(_ block: ReceivedBlock) -> ByteBuffer {
        var out =
            style.isForTerminal
            ? ByteBuffer(string: String(buffer: block.bytes).visible(keepingNewlines: true)) : block.bytes
        out.writeInteger(UInt8(ascii: "\n"))
        return out
    }

    /// The block's messages.
    ///
    /// - Throws: `LogEventDecodingError` for a line that is no event.
    package mutating func text(_ block: ReceivedBlock) throws -> ByteBuffer {
        var out = ByteBufferAllocator().buffer(capacity: block.bytes.readableBytes)
        try block.bytes.withUnsafeReadableBytes { bytes in
            var position = 0
            if shown != nil, bytes.count > 0 {
                let end = bytes.firstNewline(from: 0) ?? bytes.count
                settle(with: try LogEvent(line: UnsafeRawBufferPointer(rebasing: bytes[..<end])), &out)
            }
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                if !(printOutput(bytes, position, end, to: &out)) {
                    try print(LogEvent(line: UnsafeRawBufferPointer(rebasing: bytes[position..<end])), to: &out)
                }
                position = end + 1
            }
        }
        return out
    }

    /// What must follow the last block, so that a shell's prompt stands neither in a cut line nor in a log's colours.
    package mutating func finish() -> ByteBuffer {
        var out = ByteBuffer()
        if isWithinLine || shown != nil { endLine(&out) }
        isWithinLine = false
        shown = nil
        filter.reset(to: &out)
        return out
    }

    /// What must stand before other text, so that it is shown neither in a log's colours nor behind a line that goes
    /// on.
    ///
    /// - Returns: besides, the pending line that was taken back.
    package mutating func makeWay() -> (bytes: ByteBuffer, line: PendingLine?) {
        var out = ByteBuffer()
        let line = shown?.line
        takeBack(&out)
        filter.reset(to: &out)
        return (out, line)
    }

    /// Leaves what is shown of a pending line as it is: something else has written to the terminal since.
    package mutating func leavePending() {
        guard let shown else { return }
        filter = shown.filter
        self.shown = nil
    }

    /// Shows where the cursor is what there is of a line, in the place of what was shown of it: all of it, or its end
    /// if the window is too small.
    package mutating func pending(_ line: PendingLine) -> ByteBuffer {
        var out = ByteBuffer()
        guard let window = style.pendingWindow else { return out }
        if let shown, shown.isWhole, shown.line.stream == line.stream,
            line.message.utf8.starts(with: shown.line.message.utf8)
        {
            var (next, printer) = (shown, self)
            let more = printer.pendingText(line, behind: shown.line.message.utf8.count)
            next.line = line
            next.cursor.write(more)
            if next.cursor.row < window.rows || !canTakeBack {
                self = printer
                self.shown = next
                out.writeString(more)
                return out
            }
        }
        // What can't be taken back stays until the line is whole, and the end of a long one isn't how a cut line goes
        // on.
        if !canTakeBack, !line.message.isEmpty, shown != nil || isWithinLine && line.mayBeCut { return out }
        takeBack(&out)
        guard !line.message.isEmpty else { return out }
        var next = Shown(line: line, cursor: CursorPosition(width: window.columns), filter: filter)
        let text = pendingText(line, behind: 0)
        if canTakeBack, let end = CursorPosition.end(of: text, in: window) {
            next.isWhole = false
            next.cursor.write(end)
            out.writeString(end)
        } else {
            next.cursor.write(text)
            out.writeString(text)
        }
        shown = next
        return out
    }

    /// Whether the terminal can be cleared of a pending line.
    private var canTakeBack: Bool { style.canErase && !isWithinLine }

    /// What a terminal may get of a pending line, from this byte of its message on.
    private mutating func pendingText(_ line: PendingLine, behind length: ByteCount) -> String {
        var text = ByteBuffer()
        guard line.message.utf8.count > length else { return "" }
        let isColoured = style.colours && line.stream == .stderr
        if isColoured { text.writeStaticString(Self.red) }
        let start = text.writerIndex
        text.writeBytes(line.message.utf8.dropFirst(length))
        filterText(from: start, &text)
        if isColoured { text.writeStaticString(Self.plain) }
        return String(buffer: text)
    }

    /// Lets an event take the place of the pending line: only what isn't shown yet is printed of it, if it is that
    /// line.
    private mutating func settle(with event: LogEvent, _ out: inout ByteBuffer) {
        guard let shown else { return }
        let line = shown.line
        if shown.isWhole, case .line(let became) = event.content, !style.timestamps, became.stream == line.stream,
            became.message.utf8.starts(with: line.message.utf8)
        {
            shownBytes = line.message.utf8.count
            self.shown = nil
        } else {
            takeBack(&out)
        }
    }

    /// Clears what is shown of a pending line. What can't be cleared stays, as a line of its own.
    private mutating func takeBack(_ out: inout ByteBuffer) {
        guard let shown else { return }
        self.shown = nil
        if filter.isColoured, !shown.filter.isColoured { filter.reset(to: &out) }
        filter = shown.filter
        guard canTakeBack else {
            out.writeStaticString("\n")
            return
        }
        out.writeStaticString("\r")
        if shown.cursor.row > 0 { out.writeString("\u{1B}[\(shown.cursor.row)A") }
        out.writeStaticString("\u{1B}[J")
    }

    /// Prints a line in the form that servers write, without decoding it; `false` if it has another.
    private mutating func printOutput(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, to out: inout ByteBuffer
    ) -> Bool {
        // The shorter ways are for the plain style, which is the one that has to be fast.
        guard !style.timestamps, let prefix = EventLinePrefix(bytes, from: start, to: end), prefix.isOutput else {
            return false
        }
        var position = prefix.end
        var isError = false
        if EventLinePrefix.skip("stream\":\"stderr\",\"", in: bytes, &position, end) {
            isError = true
        } else {
            _ = EventLinePrefix.skip("stream\":\"stdout\",\"", in: bytes, &position, end)
        }
        guard EventLinePrefix.skip("message\":\"", in: bytes, &position, end) else { return false }
        let mark = out.writerIndex
        if isError && style.colours { out.writeStaticString(Self.red) }
        let start = out.writerIndex
        guard let quote = out.writeUnescaped(bytes, from: position, to: end) else {
            out.moveWriterIndex(to: mark)
            return false
        }
        position = quote + 1
        let isIDKnown = Self.skipID(in: bytes, &position, end)
        let isPartial = EventLinePrefix.skip(",\"partial\":true", in: bytes, &position, end)
        guard isIDKnown, position == end - 1 else {
            out.moveWriterIndex(to: mark)
            return false
        }
        filterText(from: start, &out)
        if isError && style.colours { out.writeStaticString(Self.plain) }
        if !isPartial { endLine(&out) }
        isWithinLine = isPartial
        return true
    }

    /// Leaves of the message that was written from `start` on what a terminal may get.
    private mutating func filterText(from start: Int, _ out: inout ByteBuffer) {
        guard style.isForTerminal || shownBytes > 0,
            let text = out.getSlice(at: start + shownBytes, length: out.writerIndex - start - shownBytes)
        else { return }
        shownBytes = 0
        out.moveWriterIndex(to: start)
        text.withUnsafeReadableBytes { bytes in
            if style.isForTerminal { filter.write(bytes, to: &out) } else { out.writeBytes(bytes) }
        }
    }

    private mutating func endLine(_ out: inout ByteBuffer) {
        if style.isForTerminal { filter.endLine(to: &out) } else { out.writeInteger(UInt8(ascii: "\n")) }
    }

    /// Passes over an event's id, if there is one, which isn't printed; `false` for what only a full decoder can judge.
    /// The ids that CloudWatch gives are digits.
    private static func skipID(in bytes: UnsafeRawBufferPointer, _ position: inout Int, _ end: Int) -> Bool {
        guard EventLinePrefix.skip(",\"event_id\":\"", in: bytes, &position, end) else { return true }
        position = bytes.endOfPlainText(from: position)
        return EventLinePrefix.skip("\"", in: bytes, &position, end)
    }

    private mutating func print(_ event: LogEvent, to out: inout ByteBuffer) {
        switch event.content {
        case .line(let line):
            if style.timestamps && !isWithinLine {
                let stamp = event.timestamp.textBytes + [UInt8(ascii: " ")]
                out.writeBytes(stamp)
                filter.margin = stamp
            }
            let isColoured = style.colours && line.stream == .stderr
            if isColoured { out.writeStaticString(Self.red) }
            let start = out.writerIndex
            out.writeString(line.message)
            filterText(from: start, &out)
            if isColoured { out.writeStaticString(Self.plain) }
            if !line.isPartial { endLine(&out) }
            isWithinLine = line.isPartial
        case .notice(let code, let message):
            asides.append("\(message) (\(code))")
        case .end:
            // A line that was cut and never went on.
            if isWithinLine { endLine(&out) }
            isWithinLine = false
        }
    }

    private static let red: StaticString = "\u{1B}[31m"
    private static let plain: StaticString = "\u{1B}[0m"
}
