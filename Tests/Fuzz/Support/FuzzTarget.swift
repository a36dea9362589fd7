/// One parser of what comes from outside, or a few that read the same, and what must hold of it whatever it is given.
struct FuzzTarget: Sendable {
    let name: String
    /// Ends the process (``expect(_:_:)``, a precondition, the sanitizer) if something doesn't hold.
    let check: @Sendable (FuzzInput) throws -> Void

    static let all = [
        json, appendEvents, appendText, eventLines, streamMessages, frames, deflate, handshake, http, texts,
        lambdaEvents, subscription, items, runnerFiles, xml,
    ]
}
