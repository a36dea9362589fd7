package import Everyline
package import Logging
package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes the server's own log as one JSON object a line, in which everything is visible.
package struct JSONLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let write: @Sendable (ByteBuffer) -> Void
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - write: takes a line with its newline.
    ///   - now: the wall clock.
    package init(
        label: String, level: Logger.Level, write: @escaping @Sendable (ByteBuffer) -> Void,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.label = label
        self.logLevel = level
        self.write = write
        self.now = now
    }

    /// Writes each line to standard error before the program goes on.
    package init(label: String, level: Logger.Level, now: @escaping @Sendable () -> Timestamp) {
        self.init(
            label: label, level: level, write: StandardError.write, now: now)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: Logging.LogEvent) {
        var line = ByteBuffer()
        line.writeStaticString("{\"timestamp\":")
        line.writeDecimal(now().milliseconds)
        write("level", event.level.rawValue, to: &line)
        write("logger", label, to: &line)
        write("message", event.message.description, to: &line)
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) where key != "hb.request.id" {
            write(key, value.description, to: &line)
        }
        line.writeStaticString("}\n")
        write(ByteBuffer(string: String(buffer: line).visible(keepingNewlines: true)))
    }

    private func write(_ key: String, _ value: String, to line: inout ByteBuffer) {
        line.writeStaticString(",\"")
        line.writeJSONText(key)
        line.writeStaticString("\":\"")
        line.writeJSONText(value)
        line.writeStaticString("\"")
    }
}

package enum StandardError {
    /// Writes a line in one write, so that lines of several threads don't mix. What standard error doesn't take is
    /// lost, as it is for every program.
    package static func write(_ line: ByteBuffer) {
        line.withUnsafeReadableBytes { _ = write_(STDERR_FILENO, $0) }
    }
}

private func write_(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
