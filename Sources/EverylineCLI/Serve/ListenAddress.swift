import ArgumentParser

/// `HOST:PORT`, as in `127.0.0.1:7070`, `[::1]:0` or `:7070` (every address of the machine).
struct ListenAddress: ExpressibleByArgument, Equatable {
    let host: String
    let port: Int

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = Int(argument[argument.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.host = host.isEmpty ? "0.0.0.0" : String(host)
        self.port = port
    }

    static let standard = ListenAddress(host: "127.0.0.1", port: 7070)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    static func url(host: String, port: Int, isTLS: Bool) -> String {
        "\(isTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
