package import NIOCore

extension EventBlock {
    /// Writes what a person reads of the block: each line's message with a newline behind it, except where the line
    /// goes on in the next event. Notices and the end are left out.
    ///
    /// - Throws: ``LogEventDecodingError`` if the block doesn't hold events.
    package func writeText(into buffer: inout ByteBuffer) throws {
        try forEachLine { _, line in
            var scanner = JSONScanner(line)
            guard let record = try? EventRecord.read(from: &scanner, isStrict: false) else {
                throw LogEventDecodingError.malformed
            }
            guard record.type == .line, let message = record.message else { return }
            if message.hasEscapes {
                buffer.writeBytes(scanner.decode(message))
            } else {
                buffer.writeBytes(UnsafeRawBufferPointer(rebasing: line[message.range]))
            }
            if !record.isPartial { buffer.writeInteger(UInt8(ascii: "\n")) }
        }
    }
}
