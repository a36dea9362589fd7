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

    @Option(.data) var data: String?
    @Option(.spool) var spool: String?
    @Option(.listen) var listen: ListenAddress?
    @Flag(help: ServeSetting.recordOnly.help) var recordOnly = false
    @Option(.adminKeyFile) var adminKeyFile: String?
    @Option(.tlsCertificate) var tlsCertificate: String?
    @Option(.tlsKey) var tlsKey: String?
    @Option(.publicURL) var publicURL: String?
    @Option(help: ServeSetting.allowOrigin.help) var allowOrigin: [String] = []
    @Option(.retentionAge) var retentionAge: WithUnit<TimeSpan>?
    @Option(.retentionSize) var retentionSize: WithUnit<ByteSize>?
    @Option(.logLevel) var logLevel: Logger.Level?
    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try ServeSettings(
            environment: environment, file: UserFile.read(environment)?.serve ?? [:])
        let log = LogQueue(now: { .now })
        defer { log.flush(within: .seconds(1)) }
        let openFiles = try Self.prepareProcess()
        let server = try server(settings, environment, log, openFiles: openFiles)
        let adminKey = AdminKey(
            named: try settings.value(adminKeyFile, .adminKeyFile), directory: server.directory)
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
        let address = try settings.value(listen, .listen) ?? .standard
        var configuration = ServerConfiguration(host: address.host, port: address.port)
        configuration.tls = try tls(settings)
        configuration.publicURL = try proxyURL(settings)
        configuration.origins = PageOrigins(
            allowOrigin
                + (try settings.value(nil as String?, .allowOrigin)?.split(separator: " ").map(String.init) ?? [])
                // A proxy need not hand on the host that a browser has asked for.
                + (configuration.publicURL.map { [$0] } ?? []))
        configuration.limits = try limits.limits(settings)
        // A connection that no descriptor is left for would be accepted again and again.
        configuration.limits.connections = min(configuration.limits.connections, openFiles - OpenFiles.reserve)
        let level = try settings.value(logLevel, .logLevel) ?? .info
        let directory = try DataDirectory.path(data, settings, environment)
        let spool = try settings.value(spool, .spool).map { DataDirectory.absolute($0) }
        return EmbeddedServer(
            directory: directory, runnerDirectory: spool ?? directory + "/runners", configuration: configuration,
            isRecordOnly: try settings.value(recordOnly ? true : nil, .recordOnly) ?? false,
            logLimit: try limits.log(settings),
            retention: Retention.Limits(
                age: try settings.value(retentionAge, .retentionAge)?.value.duration,
                size: try settings.value(retentionSize, .retentionSize)?.value.bytes),
            logger: Logger(label: "everyline") {
                JSONLogHandler(label: $0, level: level, write: log.add, now: { .now })
            })
    }

    private func tls(_ settings: ServeSettings) throws -> ServerConfiguration.TLSFiles? {
        let (certificate, key) = (
            try settings.value(tlsCertificate, .tlsCertificate), try settings.value(tlsKey, .tlsKey)
        )
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return .init(certificate: certificate, privateKey: key)
        default: throw ValidationError("--tls-certificate and --tls-key belong together.")
        }
    }

    private func proxyURL(_ settings: ServeSettings) throws -> String? {
        guard let text = try settings.value(publicURL, .publicURL) else { return nil }
        do throws(InvalidServerAddress) {
            let address = try ServerAddress(text)
            guard address.socketPath == nil else { throw InvalidServerAddress(.scheme) }
            return address.description
        } catch {
            throw ValidationError("\(ServeSetting.publicURL.name): \(error).")
        }
    }

    /// Lets as many clients in as the system allows; and a peer that hangs up must end its connection, not the server.
    /// Nor does the server end with the terminal that it was started from: there is nothing that a SIGHUP could reload.
    ///
    /// - Returns: how many files and connections may be open.
    /// - Throws: ``CLIError`` if those are too few.
    private static func prepareProcess() throws -> Int {
        signal(SIGPIPE, SIG_IGN)
        // A handler, because commands would inherit that it is ignored.
        signal(SIGHUP) { _ in }
        return try OpenFiles.ensure(OpenFiles.reserve + OpenFiles.leastConnections)
    }

    /// Writes the address and the key to the user's file, so that the other commands just work. A file with another key
    /// is left as it is.
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
        // Standard output may have no reader; the server serves all the same.
        _ = try? FileDescriptor.standardOutput.writeAll(Array((line + "\n").utf8))
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
