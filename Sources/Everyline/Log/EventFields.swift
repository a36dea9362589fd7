package import NIOCore

/// Writes what an event's line holds behind its offset. The line that a producer appends and the line that is stored
/// differ only in that offset, so both are written here.
package enum EventFields {
    /// Writes what stands before those fields.
    static func writeOffset(_ offset: Offset, into buffer: inout ByteBuffer) {
        buffer.writeShort(limit: 32) { text in
            text.write("{\"offset\":")
            text.write(Int64(offset.rawValue))
            text.write(",")
        }
    }

    /// Writes a line up to the name of its third field: the inverse of ``EventLinePrefix``.
    package static func writePlace(_ offset: Offset, _ timestamp: Timestamp, into buffer: inout ByteBuffer) {
        writeOffset(offset, into: &buffer)
        buffer.writeStaticString("\"timestamp\":")
        buffer.writeDecimal(timestamp.milliseconds)
        buffer.writeStaticString(",\"")
    }

    package static func writeLine(
        _ message: UnsafeRawBufferPointer, timestamp: Timestamp, stream: LogLine.Stream?, isPartial: Bool,
        eventID: UnsafeRawBufferPointer? = nil, into buffer: inout ByteBuffer
    ) {
        openLine(timestamp: timestamp, stream: stream, into: &buffer)
        buffer.writeJSONText(message)
        closeLine(isPartial: isPartial, into: &buffer) { buffer in
            guard let eventID else { return }
            buffer.writeStaticString("\",\"event_id\":\"")
            buffer.writeJSONText(eventID)
        }
    }

    /// The same for a message and an id that are JSON text already, checked by ``JSONScanner``.
    static func writeLine(
        escaped message: UnsafeRawBufferPointer, timestamp: Timestamp, stream: LogLine.Stream?, isPartial: Bool,
        escapedID: UnsafeRawBufferPointer?, into buffer: inout ByteBuffer
    ) {
        openLine(timestamp: timestamp, stream: stream, into: &buffer)
        buffer.writeBytes(message)
        closeLine(isPartial: isPartial, into: &buffer) { buffer in
            guard let escapedID else { return }
            buffer.writeStaticString("\",\"event_id\":\"")
            buffer.writeBytes(escapedID)
        }
    }

    /// Writes a stored event once more, without a newline, with an `event_id` if it has none: its offset, which is as
    /// unique in its log and never changes.
    package static func writeIdentified(
        _ line: UnsafeRawBufferPointer, at offset: Offset, into buffer: inout ByteBuffer
    ) {
        // A quotation mark within a string has a backslash before it, so this is a field's name wherever it stands.
        guard !line.contains("\",\"event_id\":\"") else {
            buffer.writeBytes(line)
            return
        }
        let tail: StaticString = line.hasSuffix(",\"partial\":true}") ? ",\"partial\":true}" : "}"
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: line[..<(line.count - tail.utf8CodeUnitCount)]))
        buffer.writeStaticString(",\"event_id\":\"")
        buffer.writeDecimal(Int64(offset.rawValue))
        buffer.writeStaticString("\"")
        buffer.writeStaticString(tail)
    }

    package static func writeNotice(
        code: String, message: String, timestamp: Timestamp, into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString("\"timestamp\":")
        buffer.writeDecimal(timestamp.milliseconds)
        buffer.writeStaticString(",\"type\":\"notice\",\"code\":\"")
        buffer.writeJSONText(code)
        buffer.writeStaticString("\",\"message\":\"")
        buffer.writeJSONText(message)
        buffer.writeStaticString("\"}\n")
    }

    package static func writeEnd(_ outcome: ExecutionOutcome, timestamp: Timestamp, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\"timestamp\":")
        buffer.writeDecimal(timestamp.milliseconds)
        buffer.writeStaticString(",\"type\":\"end\",\"status\":\"")
        buffer.writeString(outcome.status.rawValue)
        buffer.writeStaticString("\"")
        if let exitCode = outcome.exitCode {
            buffer.writeStaticString(",\"exit_code\":")
            buffer.writeDecimal(Int64(exitCode))
        }
        if let reason = outcome.reason {
            buffer.writeStaticString(",\"reason\":\"")
            buffer.writeString(reason.rawValue)
            buffer.writeStaticString("\"")
        }
        if let isVerified = outcome.isVerified {
            buffer.writeStaticString(isVerified ? ",\"verified\":true" : ",\"verified\":false")
        }
        if let cpu = outcome.usage?.cpuMilliseconds {
            buffer.writeStaticString(",\"cpu_ms\":")
            buffer.writeDecimal(cpu)
        }
        if let memory = outcome.usage?.peakMemory {
            buffer.writeStaticString(",\"peak_memory_bytes\":")
            buffer.writeDecimal(memory)
        }
        buffer.writeStaticString("}\n")
    }

    private static func openLine(timestamp: Timestamp, stream: LogLine.Stream?, into buffer: inout ByteBuffer) {
        buffer.writeShort(limit: 64) { text in
            text.write("\"timestamp\":")
            text.write(timestamp.milliseconds)
            switch stream {
            case .stdout: text.write(",\"stream\":\"stdout\",\"message\":\"")
            case .stderr: text.write(",\"stream\":\"stderr\",\"message\":\"")
            case nil: text.write(",\"message\":\"")
            }
        }
    }

    private static func closeLine(
        isPartial: Bool, into buffer: inout ByteBuffer, writeID: (inout ByteBuffer) -> Void
    ) {
        writeID(&buffer)
        buffer.writeStaticString(isPartial ? "\",\"partial\":true}\n" : "\"}\n")
    }
}

extension ByteBuffer {
    package mutating func writeJSONText(_ text: String) {
        var text = text
        text.withUTF8 { writeJSONText(UnsafeRawBufferPointer($0)) }
    }
}
