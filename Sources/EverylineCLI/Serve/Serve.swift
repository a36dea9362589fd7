public import ArgumentParser
import Everyline
import EverylineClient
import EverylineSQLite
import EverylineServer
import EverylineUserFiles
import Glibc
public import Logging
import NIOCore
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the API, the streams, and run commands.",
        discussion: """
            Prints {"listening":"http://…"} on standard output when it serves; its own log goes to standard error, a JSON \
            object a line. Every option can also be given in the environment (EVERYLINE_LOG_LIMIT for --log-limit) or \
            under `serve:` in the user's config.yaml.

            The first start makes an administrator's key. It is written, with the address, to the user's config.yaml \
            (0600), so that the other commands just work; or to --admin-key-file.
            """)

    @Option(help: "The directory that holds everything. (default: $XDG_DATA_HOME/everyline)")
    var data: String?
    @Option(help: "Where runners keep what the server hasn't acknowledged. (default: runners/ in the data directory)")
    var spool: String?
    @Option(
        help: ArgumentHelp(
            "Where to listen; port 0 lets the system choose. (default: 127.0.0.1:7070)", valueName: "host:port"))
    var listen: ListenAddress?
    @Flag(help: "Record what producers elsewhere send, and run no commands: `run` is refused.")
    var recordOnly = false
    @Option(help: "Take the administrator's key from this file, or make one and write it there.")
    var adminKeyFile: String?
    @Option(help: "The certificate's chain, as a PEM file: serve over TLS.")
    var tlsCertificate: String?
    @Option(help: "The certificate's private key, as a PEM file.")
    var tlsKey: String?
    @Option(help: "How clients reach the server, when it stands behind a proxy: https://logs.example.com")
    var publicUrl: String?
    @Option(help: "Another origin whose pages may open streams; may be given several times.")
    var allowOrigin: [String] = []
    @Option(help: "Remove executions this long after their end: 90d. (default: keep them)")
    var retentionAge: WithUnit<TimeSpan>?
    @Option(help: "Remove the oldest ended executions while all logs take more: 100GiB. (default: keep them)")
    var retentionSize: WithUnit<ByteSize>?
    @Option(help: "trace, debug, info, notice, warning or error. (default: info)")
    var logLevel: Logger.Level?
    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try ServeSettings(
            environment: environment, file: UserFile.read(environment)?.serve ?? [:])
        let log = LogQueue(now: { .now })
        defer { log.flush(within: .seconds(1)) }
        let openFiles = Self.prepareProcess()
        let server = try server(settings, environment, log, openFiles: openFiles)
        let adminKey = AdminKey(
            named: try settings.value(adminKeyFile, "admin-key-file"), directory: server.directory)
        do {
            try await server.run(adminKey: adminKey) { url, key in
                if let key, !adminKey.isNamed {
                    Self.introduce(url, key, inFile: adminKey.path, environment, logger: server.logger)
                }
                Self.print(#"{"listening":"\#(url)"}"#)
            }
        } catch let error as SQLiteDatabaseError {
            throw CLIError(error.description + ".")
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CLIError("\(server.configuration.host):\(server.configuration.port) is in use by another program.")
        }
    }

    private func server(
        _ settings: ServeSettings, _ environment: [String: String], _ log: LogQueue, openFiles: Int
    ) throws -> EmbeddedServer {
        let address = try settings.value(listen, "listen") ?? .standard
        var configuration = ServerConfiguration(host: address.host, port: address.port)
        configuration.tls = try tls(settings)
        configuration.publicURL = try publicURL(settings)
        configuration.origins = PageOrigins(
            allowOrigin
                + (try settings.value(nil as String?, "allow-origin")?.split(separator: " ").map(String.init) ?? []))
        configuration.limits = try limits.limits(settings)
        // A connection that no descriptor is left for would be accepted again and again.
        configuration.limits.connections = max(
            1, min(configuration.limits.connections, openFiles - OpenFiles.reserve))
        let level = try settings.value(logLevel, "log-level") ?? .info
        let directory = try DataDirectory.path(data, settings, environment)
        let spool = try settings.value(spool, "spool").map { DataDirectory.absolute($0) }
        return EmbeddedServer(
            directory: directory, runnerDirectory: spool ?? directory + "/runners", configuration: configuration,
            isRecordOnly: try settings.value(recordOnly ? true : nil, "record-only") ?? false,
            logLimit: try limits.log(settings),
            retention: Retention.Limits(
                age: try settings.value(retentionAge, "retention-age")?.value.duration,
                size: try settings.value(retentionSize, "retention-size")?.value.bytes),
            logger: Logger(label: "everyline") {
                JSONLogHandler(label: $0, level: level, write: log.add, now: { .now })
            })
    }

    private func tls(_ settings: ServeSettings) throws -> ServerConfiguration.TLSFiles? {
        let (certificate, key) = (
            try settings.value(tlsCertificate, "tls-certificate"), try settings.value(tlsKey, "tls-key")
        )
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return .init(certificate: certificate, privateKey: key)
        default: throw ValidationError("--tls-certificate and --tls-key belong together.")
        }
    }

    private func publicURL(_ settings: ServeSettings) throws -> String? {
        guard let text = try settings.value(publicUrl, "public-url") else { return nil }
        do throws(InvalidServerAddress) {
            let address = try ServerAddress(text)
            guard address.socketPath == nil else { throw InvalidServerAddress(.scheme) }
            return address.description
        } catch {
            throw ValidationError("public-url: \(error).")
        }
    }

    /// Lets as many clients in as the system allows; and a peer that hangs up must end its connection, not the server. Nor
    /// does the server end with the terminal that it was started from: there is nothing that a SIGHUP could reload.
    ///
    /// - Returns: how many files and connections may be open.
    private static func prepareProcess() -> Int {
        signal(SIGPIPE, SIG_IGN)
        // A handler, because commands would inherit that it is ignored.
        signal(SIGHUP) { _ in }
        return OpenFiles.raiseLimit()
    }

    /// Writes the address and the key to the user's file, so that the other commands just work. A file with another key is
    /// left as it is.
    private static func introduce(
        _ url: String, _ key: String, inFile keyFile: String, _ environment: [String: String], logger: Logger
    ) {
        do {
            let file = try UserFile.read(environment)
            guard let path = UserFile.path(environment), file == nil || file?.client.values["api_key"] == key else {
                logger.notice(
                    "The user's configuration is for another server; this one's key is in a file",
                    metadata: ["key_file": "\(keyFile)"])
                return
            }
            guard file?.client.values["url"] != url else { return }
            try UserFile.write(url: url, apiKey: key, by: "everyline serve", to: path)
            logger.notice("The address and the administrator's key were written", metadata: ["file": "\(path)"])
        } catch {
            logger.warning(
                "The user's configuration could not be written; the key is in a file",
                metadata: ["error": "\(error)", "key_file": "\(keyFile)"])
        }
    }

    private static func print(_ line: String) {
        // Nobody may be reading; that is no reason not to serve.
        _ = try? FileDescriptor.standardOutput.writeAll(Array((line + "\n").utf8))
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
