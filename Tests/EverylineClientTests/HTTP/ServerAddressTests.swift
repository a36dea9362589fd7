import EverylineClient
import Testing

@Suite("A server's address") struct ServerAddressTests {
    @Test(
        "makes the URLs of the API",
        arguments: [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070/api/v1/run"),
            ("https://logs.example.com/", "https://logs.example.com/api/v1/run"),
            ("https://example.com/everyline/", "https://example.com/everyline/api/v1/run"),
            ("HTTP://[::1]:7070", "http://[::1]:7070/api/v1/run"),
            ("http+unix://%2Frun%2Feveryline.sock", "http+unix://%2Frun%2Feveryline.sock/api/v1/run"),
        ])
    func urls(text: String, url: String) throws {
        #expect(try ServerAddress(text).url("/api/v1/run") == url)
    }

    @Test("of a socket is its path, encoded")
    func socket() throws {
        let address = ServerAddress(socketPath: "/run/every line.sock")
        #expect(address.url("/x") == "http+unix://%2Frun%2Fevery%20line.sock/x")
        #expect(try ServerAddress(address.description).socketPath == "/run/every line.sock")
    }

    @Test("encodes the values of a query")
    func query() throws {
        let address = try ServerAddress("http://a")
        #expect(address.url("/x", query: [("a", "1&b=2"), ("c", "ä/")]) == "http://a/x?a=1%26b%3D2&c=%C3%A4%2F")
    }

    @Test(
        "is nothing else, and holds no secret",
        arguments: [
            ("localhost:7070", .scheme), ("ftp://a", .scheme), ("http://", .host), ("http://:80", .host),
            ("https://user:password@a", .userInformation), ("http://a?key=b", .characters), ("http://a b", .characters),
        ] as [(String, InvalidServerAddress.Reason)])
    func invalid(text: String, reason: InvalidServerAddress.Reason) {
        #expect(throws: InvalidServerAddress(reason)) { try ServerAddress(text) }
    }
}

@Suite("A credential") struct CredentialTests {
    @Test("says nothing of its secret, however it is printed")
    func redacted() throws {
        let credential = try #require(Credential("elk_secret"))
        var dumped = ""
        dump(credential, to: &dumped)
        for text in ["\(credential)", String(reflecting: credential), "\([credential])", dumped] {
            #expect(!text.contains("elk_secret"))
        }
        let address = try ServerAddress("http://a")
        var configuration = ""
        dump(EverylineClient.Configuration(address: address, credential: credential), to: &configuration)
        #expect(!configuration.contains("elk_secret"))
    }

    @Test("is nothing that a header can't carry", arguments: ["", "two words", "line\n", "\u{e4}"])
    func invalid(text: String) { #expect(Credential(text) == nil) }
}
