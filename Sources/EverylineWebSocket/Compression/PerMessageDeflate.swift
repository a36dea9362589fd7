/// What was agreed about compression: RFC 7692, always without context takeover on both sides, so that no connection
/// holds a window between its messages.
struct PerMessageDeflate: Hashable, Sendable {
    /// The window of what we compress, as a power of two. zlib has no raw window of 8, so with 8 nothing is compressed;
    /// what comes in may still be.
    let windowBits: Int

    var canCompress: Bool { windowBits >= 9 }

    private static let name = "permessage-deflate"

    /// What a client offers.
    static let offer =
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits"

    /// Takes the first acceptable offer.
    ///
    /// - Returns: what was agreed, and the answer's header; `nil` if compression wasn't offered so that we can accept.
    static func accept(_ offers: [String]) -> (PerMessageDeflate, answer: String)? {
        for offer in ExtensionOffer.parse(offers) where offer.name == name {
            guard let parameters = Parameters(offer, isOffer: true) else { continue }
            var answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            if let bits = parameters.serverWindowBits { answer += "; server_max_window_bits=\(bits)" }
            return (PerMessageDeflate(windowBits: parameters.serverWindowBits ?? 15), answer)
        }
        return nil
    }

    /// Judges the server's answer to ``offer``.
    ///
    /// - Returns: what was agreed; `nil` if the server doesn't compress.
    /// - Throws: ``WebSocketError/handshakeInvalid(_:)`` for what was not offered.
    static func agree(_ answers: [String]) throws(WebSocketError) -> PerMessageDeflate? {
        guard answers.contains(where: { !HTTPHead.trim($0[...]).isEmpty }) else { return nil }
        let answers = ExtensionOffer.parse(answers)
        guard answers.count == 1, let answer = answers.first, answer.name == name,
            let parameters = Parameters(answer, isOffer: false), parameters.serverForgets
        else { throw .handshakeInvalid("an extension that wasn't offered") }
        return PerMessageDeflate(windowBits: parameters.clientWindowBits ?? 15)
    }

    /// The parameters of RFC 7692, section 7.1; anything else, and anything twice, isn't acceptable.
    private struct Parameters {
        var serverForgets = false
        var clientForgets = false
        var serverWindowBits: Int?
        var clientWindowBits: Int?

        init?(_ element: ExtensionOffer, isOffer: Bool) {
            guard Set(element.parameters.map(\.name)).count == element.parameters.count else { return nil }
            for parameter in element.parameters {
                let bits = parameter.value.flatMap(Self.windowBits)
                switch (parameter.name, parameter.value) {
                case ("server_no_context_takeover", nil): serverForgets = true
                case ("client_no_context_takeover", nil): clientForgets = true
                case ("client_max_window_bits", nil) where isOffer: break
                case ("client_max_window_bits", _) where bits != nil: clientWindowBits = bits
                case ("server_max_window_bits", _) where bits != nil: serverWindowBits = bits
                default: return nil
                }
            }
        }

        /// 8 to 15, as decimal digits without leading zeros.
        private static func windowBits(_ value: String) -> Int? {
            (8...15).first { String($0) == value }
        }
    }
}
