import Testing

@testable import EverylineAWS

@Suite("An endpoint")
struct AWSEndpointTests {
    @Test(
        "is read from an address",
        arguments: [
            ("https://a.b", AWSEndpoint(host: "a.b"), "a.b"),
            ("http://127.0.0.1:4566/", AWSEndpoint(scheme: "http", host: "127.0.0.1", port: 4566), "127.0.0.1:4566"),
            ("HTTPS://h:443/stage", AWSEndpoint(host: "h", port: 443, basePath: "/stage"), "h"),
            ("http://[::1]:80", AWSEndpoint(scheme: "http", host: "[::1]", port: 80), "[::1]"),
            ("http://[::1]", AWSEndpoint(scheme: "http", host: "[::1]"), "[::1]"),
        ])
    func address(_ url: String, endpoint: AWSEndpoint, host: String) {
        #expect(AWSEndpoint(url) == endpoint)
        #expect(endpoint.hostHeader == host)
    }

    @Test(
        "is nothing else",
        arguments: ["", "a.b", "ftp://a", "http://", "http://a:b", "http://a:70000", "http://u@a"])
    func refused(_ url: String) { #expect(AWSEndpoint(url) == nil) }
}
