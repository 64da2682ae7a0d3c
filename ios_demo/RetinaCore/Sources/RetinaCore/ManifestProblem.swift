/// Why a manifest is not taken: tests/goldens names the codes and entries.
public struct ManifestProblem: Error, Equatable, Sendable {
    public enum Code: String, CaseIterable, Sendable {
        case notJSON = "not-json"
        case schemaNewer = "schema-newer"
        case schema = "schema"
        case target = "target"
        case entry = "entry"
    }

    public let code: Code
    public let entry: String  // dotted path, "" for the whole file
    public let found: String  // for the message

    public init(code: Code, entry: String, found: String) {
        self.code = code
        self.entry = entry
        self.found = found
    }
}
