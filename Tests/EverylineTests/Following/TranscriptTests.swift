import Everyline
import EverylineTesting
import Foundation
import NIOCore
import Testing

/// One of the transcripts that the followers in every language run: `Tests/Transcripts`.
private struct Transcript: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let way: String
    let after: UInt64
    let messages: [String]
    let accepted: [UInt64]
    let verdict: String
    let confirmed: Bool

    var testDescription: String { "\(way): \(name)" }

    static let all: [Transcript] = {
        var root = URL(filePath: #filePath)
        for _ in 1...3 { root.deleteLastPathComponent() }
        // An empty list fails the test that counts them.
        let data = (try? Data(contentsOf: root.appending(path: "Transcripts/followers.json"))) ?? Data()
        return (try? JSONDecoder().decode([Transcript].self, from: data)) ?? []
    }()
}

@Suite("A follower")
struct TranscriptTests {
    @Test("makes of a transcript what it says", arguments: Transcript.all)
    private func transcript(_ transcript: Transcript) throws {
        let start = Offset(transcript.after)
        var check = StreamCheck(from: .after(start))
        var session = transcript.way == "gateway" ? GatewaySession(of: Sample.id("e"), after: start) : nil
        _ = session?.open()
        var (offsets, verdict, isConfirmed) = ([UInt64](), "open", false)
        for text in transcript.messages {
            var message: ByteBuffer? = ByteBuffer(string: text)
            if let finding = session?.take(ByteBuffer(string: text)) {
                message = finding.message
                if finding.answer != nil { verdict = "hole" }
            }
            guard let message else { continue }
            let finding = check.take(message)
            offsets += try finding.block?.events().map(\.offset.rawValue) ?? []
            isConfirmed = isConfirmed || finding.confirmsResumption
            if case .hole = finding.fault { verdict = "hole" }
            if finding.restoration != nil { verdict = "restored" }
            if verdict != "open" { break }
        }
        if check.outcome != nil { verdict = "ended" }
        #expect(offsets == transcript.accepted)
        #expect(verdict == transcript.verdict)
        #expect(isConfirmed == transcript.confirmed)
    }

    @Test("has transcripts of every way and verdict")
    func all() {
        #expect(Set(Transcript.all.map(\.way)) == ["direct", "gateway"])
        #expect(Set(Transcript.all.map(\.verdict)) == ["open", "ended", "hole", "restored"])
    }
}
