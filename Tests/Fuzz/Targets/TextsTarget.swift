@testable import Everyline
@testable import EverylineClient
@testable import EverylineServer

extension FuzzTarget {
    /// Short texts: cursors, ids, ranges, times, addresses. What is taken is written as it was read.
    static let texts = FuzzTarget(name: "texts") { input in
        let text = input.text
        TextChecks.numbers(text)
        TextChecks.headers(text)
        if let id = ExecutionID(text) {
            expect(id.rawValue == text && id.rawValue.utf8.count <= 64, "an id is its text")
        }
        if let user = UserID(text) { expect(user.rawValue == text, "a user is its text") }
        if let credential = Credential(text) { expect(credential.value == text, "a secret is its text") }
        if let address = try? ServerAddress(text) {
            let again = try ServerAddress(address.description)
            expect(again == address, "an address that is written and read is itself")
            _ = address.isLocal
        }
        if !text.isEmpty {
            expect(ServerAddress(socketPath: text).socketPath == text, "a socket's address holds its path")
            let again = try ServerAddress(ServerAddress(socketPath: text).description)
            expect(again.socketPath == text, "a socket's address that is written and read holds its path")
        }
        expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text, "what is encoded can be decoded")
        if let start = StreamGateway.start(of: text) { expect(start <= Offset.maximum, "a start is an offset") }
        expect(SourceEvent(message: text, at: .epoch).message == text, "a message that is read and written is itself")
    }
}

private enum TextChecks {
    static func numbers(_ text: String) {
        if let offset = Offset(decimal: text) {
            expect(Offset(decimal: offset.description) == offset, "an offset that is written and read is itself")
        }
        if let time = Timestamp(decimal: text) {
            expect((Timestamp.epoch...Timestamp.maximum).contains(time), "a time has its bounds")
        }
        let now = Timestamp(milliseconds: 1_763_500_000_123)
        guard let time = TimeExpression.parse(text, now: now) else { return }
        expect((Timestamp.epoch...Timestamp.maximum).contains(time), "a time has its bounds")
        expect(TimeExpression.parse(time.text, now: now) == time, "a time that is written and read is itself")
    }

    static func headers(_ text: String) {
        for length in [0, 1, 100] {
            guard let range = ByteRange(text)?.resolve(length: length) else { continue }
            expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length, "a range lies in its body")
        }
        _ = EntityTags(text).contains("\"1-2\"")
        _ = AcceptEncoding(text).allowsGzip
        let pairs = text.split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (sides[0], sides.count > 1 ? sides[1] : "")
        }
        let query = Query(pairs)
        _ = try? Cursor(query)
        if let count = try? query.count("limit", maximum: 100) {
            expect((1...100).contains(count), "a count has its bounds")
        }
        if (try? query.allow(only: ["after"])) != nil {
            expect(pairs.allSatisfy { $0.0 == "after" }, "no parameter is passed over")
        }
    }
}
