import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Says in words why there is no connection.
package enum ConnectionFailure {
    package static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first { return reason(of: failure.error) }
            return error.dnsAError == nil ? "no address of \(error.host) answers" : "there is no host \(error.host)"
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            // BoringSSL's word for what is no TLS record.
            if "\(error)".contains("WRONG_VERSION_NUMBER") {
                return "it doesn't speak TLS: the address of a server without it begins with http:"
            }
            if CertificateFailure.isOne(error) {
                return
                    "its certificate isn't one to trust: is it for this host, valid now, and by a known authority (--ca-file)?"
            }
            return "TLS can't be agreed on: is it an https server, and its certificate one to trust (--ca-file)?"
        case is HTTPParserError: return "what answers there doesn't speak HTTP"
        default: return "\(error)"
        }
    }
}
