@testable import EverylineWebSocket
import NIOCore
import NIOHTTP1

extension FuzzTarget {
    /// The opening handshake, both sides: bytes that are a request, an answer, or a URL.
    static let handshake = FuzzTarget(name: "handshake") { input in
        HandshakeChecks.findEnd(input)
        HandshakeChecks.request(input.bytes)
        try HandshakeChecks.answer(input.bytes)
        HandshakeChecks.refusal(input)
        try HandshakeChecks.url(input.text)
    }
}

private enum HandshakeChecks {
    static let key = WebSocketKey("dGhlIHNhbXBsZSBub25jZQ==")

    /// The end of a head is found in the same place however the bytes come.
    static func findEnd(_ input: FuzzInput) {
        let whole = HTTPHead.end(in: input.bytes, searched: 0)
        var (found, searched, come): (Int?, Int, ByteBuffer) = (nil, 0, ByteBuffer())
        for piece in input.pieces where found == nil {
            come.writeImmutableBuffer(piece)
            found = HTTPHead.end(in: come, searched: searched)
            searched = come.readableBytes
        }
        expect(found == whole, "a head ends at the same place in pieces")
    }

    static func request(_ bytes: ByteBuffer) {
        guard let request = UpgradeRequest(bytes) else { return }
        if request.isWebSocket {
            let decoded = UpgradeRequest(request.requestHead)
            expect(decoded.isWebSocket && decoded.ordinary == request.ordinary, "a head says what its bytes say")
        }
        let ordinary = HTTPHead(request.ordinary)
        expect(ordinary != nil, "a request without its wish is a request")
        expect(ordinary?.values(of: "Upgrade").isEmpty == true, "nothing is left of the wish")
        guard
            case .upgrade(let answer, _, let compression) = request.accept(
                subprotocol: "everyline.v1", compression: true)
        else { return }
        let head = HTTPHead(answer)
        expect(head.flatMap(ClientHandshake.status) == 101, "an answer is a head")
        expect((3...5).contains(head?.fields.count ?? 0), "an answer has the fields that we write, and no others")
        expect(compression.map { (8...15).contains($0.windowBits) } ?? true, "a window is one")
    }

    static func answer(_ bytes: ByteBuffer) throws {
        guard let key, let head = HTTPHead(bytes) else { return }
        _ = ClientHandshake.status(of: head)
        let handshake = try ClientHandshake(
            to: WebSocketURL("ws://host/path"), headers: HTTPHeaders(), subprotocol: "everyline.v1", compression: true,
            key: key)
        guard let agreement = try? handshake.judge(head) else { return }
        expect([nil, "everyline.v1"].contains(agreement.subprotocol), "only what was offered is agreed on")
    }

    static func refusal(_ input: FuzzInput) {
        guard let end = HTTPHead.end(in: input.bytes, searched: 0) else { return }
        var rest = input.bytes
        guard let head = rest.readSlice(length: end).flatMap(HTTPHead.init) else { return }
        var whole = RefusalBody(after: head)
        let isWhole = whole.take(rest)
        var parts = RefusalBody(after: head)
        var isDone = false
        for piece in FuzzInput.pieces(of: rest, using: input.generator) where !isDone { isDone = parts.take(piece) }
        expect(parts.text == whole.text, "pieces say what the whole says")
        expect(isDone == isWhole || rest.readableBytes == 0, "pieces end where the whole ends")
        // A byte that isn't UTF-8 becomes three.
        expect(whole.text.utf8.count <= 3 * RefusalBody.limit, "no more is kept than the limit")
    }

    static func url(_ text: String) throws {
        guard let key, let url = try? WebSocketURL(text) else { return }
        expect((1...65535).contains(url.port) && !url.host.isEmpty, "a URL has a host and a port")
        let handshake = try ClientHandshake(
            to: url, headers: HTTPHeaders(), subprotocol: nil, compression: true, key: key)
        let request = UpgradeRequest(handshake.request)
        expect(request?.isWebSocket == true, "what we send is a handshake")
        expect(request?.requestHead.uri == url.target, "what we ask for is the URL's path")
        expect(request?.requestHead.headers.count == 6, "a URL adds no header")
    }
}
