import Everyline
import EverylineAWS
import NIOCore
import NIOHTTP1
import Testing

/// A request of AWS's published suite of examples, and the signature that the suite gives for it.
struct SigningExample: CustomTestStringConvertible, Sendable {
    let name: String
    let request: AWSHTTPRequest
    let signedHeaders: String
    let signature: String

    init(
        _ name: String, _ method: HTTPMethod = .GET, path: String = "/",
        query: [AWSHTTPRequest.QueryItem] = [], headers: HTTPHeaders = [:], body: String = "",
        signedHeaders: String = "host;x-amz-date", _ signature: String
    ) {
        self.name = name
        request = AWSHTTPRequest(
            method, AWSEndpoint(host: "example.amazonaws.com"), path: path, query: query, headers: headers,
            body: ByteBuffer(string: body))
        self.signedHeaders = signedHeaders
        self.signature = signature
    }

    var testDescription: String { name }

    static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    static let all = [
        SigningExample("get-vanilla", .GET, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        SigningExample("post-vanilla", .POST, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        SigningExample(
            "get-vanilla-query-order-key-case", query: [.init("Param2", "value2"), .init("Param1", "value1")],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        SigningExample(
            "get-vanilla-query-unreserved", query: [.init(unreserved, unreserved)],
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
        SigningExample(
            "get-unreserved", path: "/\(unreserved)",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        SigningExample(
            "get-vanilla-utf8-query", query: [.init("ሴ", "bar")],
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        SigningExample(
            "get-slashes", path: "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        SigningExample(
            "get-relative", path: "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        SigningExample(
            "get-header-value-trim", headers: ["My-Header1": " value1", "My-Header2": " \"a   b   c\""],
            signedHeaders: "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        SigningExample(
            "post-x-www-form-urlencoded", .POST, headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: "Param1=value1", signedHeaders: "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ]
}

@Suite("A signature of version 4")
struct SigV4SignerTests {
    private static let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    /// 2015-08-30T12:36:00Z
    private static let date = Timestamp(milliseconds: 1_440_938_160_000)

    @Test("is the published one", arguments: SigningExample.all)
    func published(_ example: SigningExample) {
        let signer = SigV4Signer(
            AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: Self.key), region: "us-east-1",
            service: "service")
        let signed = signer.sign(example.request, at: Self.date)
        #expect(
            signed.headers["Authorization"] == [
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                    + "SignedHeaders=\(example.signedHeaders), Signature=\(example.signature)"
            ])
        #expect(signed.headers["X-Amz-Date"] == ["20150830T123600Z"])
    }

    @Test("of IAM's ListUsers is the one that AWS's guide derives step by step")
    func listUsers() {
        let signer = SigV4Signer(
            AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: Self.key), region: "us-east-1", service: "iam")
        let signed = signer.sign(
            AWSHTTPRequest(
                .GET, AWSEndpoint(host: "iam.amazonaws.com"),
                query: [.init("Action", "ListUsers"), .init("Version", "2010-05-08")],
                headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"]),
            at: Self.date)
        #expect(
            signed.headers["Authorization"] == [
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date, "
                    + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
            ])
    }

    @Test("covers a session's token, and the port where it isn't the scheme's")
    func sessionToken() {
        let signer = SigV4Signer(
            AWSCredentials(accessKeyID: "A", secretAccessKey: "S", sessionToken: "T"), region: "r", service: "s")
        let endpoint = AWSEndpoint(scheme: "http", host: "127.0.0.1", port: 4566)
        let signed = signer.sign(AWSHTTPRequest(.GET, endpoint), at: Self.date)
        #expect(signed.headers["X-Amz-Security-Token"] == ["T"])
        #expect(signed.headers["Host"] == ["127.0.0.1:4566"])
        let authorization = signed.headers.first(name: "Authorization") ?? ""
        #expect(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"))
    }

    @Test("made again replaces the one before")
    func again() {
        let signer = SigV4Signer(
            AWSCredentials(accessKeyID: "A", secretAccessKey: "S", sessionToken: "T"), region: "r", service: "s")
        let once = signer.sign(AWSHTTPRequest(.GET, AWSEndpoint(host: "h")), at: Self.date)
        #expect(signer.sign(once, at: Self.date) == once)
    }
}
