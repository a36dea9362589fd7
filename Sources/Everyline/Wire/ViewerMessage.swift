package import NIOCore

/// What a viewer says on a stream whose server is not there between two messages (the AWS form).
package enum ViewerMessage: Sendable, Equatable {
    /// `{"action":"resume","gen":1,"after":41}`: goes on after this offset. Each one on a connection has a higher
    /// generation than the one before; it is the first thing that is said.
    case resume(generation: UInt64, after: Offset)
    /// `{"action":"ping","have":41}`: still here, and has everything up to this offset. At the latest after 30 s of
    /// silence.
    case ping(have: Offset)

    /// The longest message that is looked at, in bytes.
    package static let maximumLength: ByteCount = 256

    /// Reads one message; `nil` for anything that isn't one.
    package init?(_ text: ByteBuffer) {
        guard text.readableBytes <= Self.maximumLength else { return nil }
        // What can't be read is no message, and the stream has no answer that would tell the viewer why.
        let fields = text.withUnsafeReadableBytes {
            try? FlatObject($0, words: ["action"], numbers: ["gen", "after", "have"])
        }
        switch fields?.word("action") {
        case "resume":
            guard let generation = fields?.number("gen"), let after = fields?.offset("after") else { return nil }
            self = .resume(generation: generation, after: after)
        case "ping":
            guard let have = fields?.offset("have") else { return nil }
            self = .ping(have: have)
        default:
            return nil
        }
    }

    package var text: String {
        switch self {
        case .resume(let generation, let after): #"{"action":"resume","gen":\#(generation),"after":\#(after)}"#
        case .ping(let have): #"{"action":"ping","have":\#(have)}"#
        }
    }
}
