import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An event's line as Foundation reads it: what the hand-written reader is held against.
struct ReferenceEvent: Decodable, Equatable {
    var offset: Int64?
    var timestamp: Int64?
    var stream: String?
    var message: String?
    var partial: Bool?
    var event_id: String?
    var type: String?
    var status: String?
    var exit_code: Int32?
    var reason: String?
    var verified: Bool?
    var code: String?
    var head: Int64?

    init(_ line: ByteBuffer) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(line.readableBytesView))
    }
}

extension ByteBuffer {
    /// Whether Foundation may take what is no JSON in UTF-8: it guesses encodings, and passes over a comma behind the
    /// last member.
    var mayBeReadLeniently: Bool {
        let bytes = readableBytesView
        if bytes.contains(0) || bytes.first ?? 0 >= 0x80 { return true }
        let dense = bytes.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return zip(dense, dense.dropFirst()).contains { $0 == UInt8(ascii: ",") && [0x5D, 0x7D].contains($1) }
    }

    /// Whether an escape in it may be half of a surrogate pair: Foundation refuses it, we read U+FFFD.
    var mayHoldLoneSurrogates: Bool {
        let bytes = readableBytesView
        return bytes.indices.dropLast(2).contains { index in
            bytes[index] == UInt8(ascii: "\\") && bytes[index + 1] == UInt8(ascii: "u")
                && bytes[index + 2] | 0x20 == UInt8(ascii: "d")
        }
    }
}
