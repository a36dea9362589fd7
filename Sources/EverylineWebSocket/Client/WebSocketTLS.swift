import NIOSSL

/// Whom a client trusts. Made once, off the event loops: it reads the trusted certificates.
package struct WebSocketTLS: Sendable {
    let context: NIOSSLContext

    /// - Parameter trustedRoots: a PEM file of certificates that are trusted beside the system's; `nil` for none.
    /// - Throws: what NIOSSL finds wrong with the file.
    package init(trustedRoots: String? = nil) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        if let trustedRoots { configuration.additionalTrustRoots = [.file(trustedRoots)] }
        context = try NIOSSLContext(configuration: configuration)
    }

    /// The handler for a connection to `host`, whose certificate must be for that name or address.
    func handler(for host: String) throws -> NIOSSLClientHandler {
        do {
            return try NIOSSLClientHandler(context: context, serverHostname: host)
        } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
            // Without a name the certificate is held against the peer's address.
            return try NIOSSLClientHandler(context: context, serverHostname: nil)
        }
    }
}
