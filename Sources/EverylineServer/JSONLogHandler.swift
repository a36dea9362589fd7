package import Everyline
package import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes the server's own log as one JSON object a line to a file descriptor.
package struct JSONLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let descriptor: Int32
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: the wall clock.
    package init(
        label: String, level: Logger.Level, descriptor: Int32 = STDERR_FILENO,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.label = label
        self.logLevel = level
        self.descriptor = descriptor
        self.now = now
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
        // One write a line, so that lines of several threads don't mix. What standard error doesn't take is lost, as it
        // is for every program.
        line.withUnsafeReadableBytes { _ = write_(descriptor, $0) }
    }

    private func write(_ key: String, _ value: String, to line: inout ByteBuffer) {
        line.writeStaticString(",\"")
        line.writeJSONText(key)
        line.writeStaticString("\":\"")
        line.writeJSONText(value)
        line.writeStaticString("\"")
    }
}

private func write_(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
