/// Which release this is.
///
/// `--version`, `/healthz` and the `Server` header print it; a test holds the OpenAPI document's `info.version` to it.
public enum ReleaseVersion {
    /// By semantic versioning (semver.org).
    public static let current = "0.1.0"
}
