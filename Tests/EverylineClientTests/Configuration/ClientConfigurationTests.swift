import EverylineClient
import Testing

@Suite("A client's configuration") struct ClientConfigurationTests {
    private func file(_ values: [String: String], open: Bool = false) -> ClientConfiguration.File {
        .init(path: "/home/u/.config/everyline/config.yaml", values: values, isReadableByOthers: open)
    }

    private func configuration(
        flags: ClientConfiguration.Flags = .init(), environment: [String: String] = [:],
        file: ClientConfiguration.File? = nil, keyFile: String = ""
    ) throws -> ClientConfiguration {
        try ClientConfiguration(flags: flags, environment: environment, file: file) { _ in keyFile }
    }

    @Test("takes the URL from the flag before the environment before the file before the default", arguments: 0...3)
    func precedence(given: Int) throws {
        let configuration = try configuration(
            flags: .init(url: given > 2 ? "http://flag" : nil),
            environment: given > 1 ? ["EVERYLINE_URL": "http://environment"] : [:],
            file: given > 0 ? file(["url": "http://file"]) : nil)
        let expected = ["http://127.0.0.1:7070", "http://file", "http://environment", "http://flag"][given]
        #expect(configuration.address.description == expected)
    }

    @Test("takes the key from the flag's file before the environment before the file", arguments: 0...3)
    func keys(given: Int) throws {
        let configuration = try configuration(
            flags: .init(apiKeyFile: given > 2 ? "/run/key" : nil),
            environment: given > 1 ? ["EVERYLINE_API_KEY": "elk_environment"] : [:],
            file: given > 0 ? file(["api_key": "elk_file"]) : nil, keyFile: "elk_flag\n")
        #expect(configuration.credential?.value == [nil, "elk_file", "elk_environment", "elk_flag"][given])
    }

    @Test("takes an empty variable for none")
    func empty() throws {
        let configuration = try configuration(
            environment: ["EVERYLINE_URL": "", "EVERYLINE_API_KEY": ""],
            file: file(["url": "http://a", "api_key": "k"]))
        #expect(configuration.address.description == "http://a")
        #expect(configuration.credential?.value == "k")
    }

    @Test("says which setting can't be used and where it came from, but not a secret")
    func origin() {
        let url = InvalidClientConfiguration(
            setting: "url", origin: "EVERYLINE_URL",
            problem: "the URL must begin with http://, https:// or http+unix://")
        #expect(throws: url) { try configuration(environment: ["EVERYLINE_URL": "localhost"]) }
        let key = InvalidClientConfiguration(
            setting: "api_key", origin: "api_key in /home/u/.config/everyline/config.yaml", problem: "it is no API key")
        #expect(throws: key) { try configuration(file: file(["api_key": "elk_ with blanks"])) }
        #expect(throws: InvalidClientConfiguration.self) { try configuration(file: file(["api-key": "x"])) }
    }

    @Test("warns of a key that others can read", arguments: [true, false])
    func permissions(open: Bool) throws {
        let warnings = try configuration(file: file(["api_key": "k"], open: open)).warnings
        #expect(warnings.contains { $0.contains("chmod 600") } == open)
        #expect(try configuration(file: file(["url": "http://127.0.0.1"], open: open)).warnings.isEmpty)
    }

    @Test(
        "warns of a key that leaves the machine unencrypted",
        arguments: [
            ("http://logs.example.com", true), ("http://127.0.0.1.example.com", true),
            ("https://logs.example.com", false),
            ("http://localhost:7070", false), ("http://[::1]", false), ("http+unix://%2Frun%2Fx", false),
        ])
    func unencrypted(url: String, warns: Bool) throws {
        let environment = ["EVERYLINE_URL": url, "EVERYLINE_API_KEY": "k"]
        #expect(try configuration(environment: environment).warnings.isEmpty != warns)
    }
}
