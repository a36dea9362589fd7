import NIOCore
import NIOHTTP1

/// One request of the API, before it has an address and a credential.
struct APIRequest: Sendable {
    var method: HTTPMethod = .GET
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var body: ByteBuffer?
    var contentType: String?
    /// In the place of the client's own.
    var credential: Credential?
    /// From sending to the last byte of the answer; the client's default if there is none.
    var timeout: Duration?
    /// The exchange has no deadline as long as bytes move: only a silence ends it (``EverylineClient/Configuration/silenceLimit``).
    var waitsWhileBytesMove = false

    init(_ method: HTTPMethod, _ path: String) {
        self.method = method
        self.path = path
    }
}
