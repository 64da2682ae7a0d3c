import Foundation

/// A file as the manifest lists it.
public struct FileSum: Equatable, Sendable {
    public let sha256: String
    public let bytes: Int

    public init(sha256: String, bytes: Int) {
        self.sha256 = sha256
        self.bytes = bytes
    }
}

/// Names of the files inside a package folder, in the order of their bytes, as Python sorts them.
public func packageFiles(of artifact: String, in files: [String: FileSum]) -> [String] {
    files.keys
        .filter { (name: String) -> Bool in name.hasPrefix(artifact + "/") }
        .sorted { (one: String, other: String) -> Bool in
            one.utf8.lexicographicallyPrecedes(other.utf8)
        }
}

/// A file's own sum; of a package folder one sum over its files' names and sums, as mobileseg's.
///
/// - Parameter sha256: handed in, because no one library has it wherever this package is tested.
public func artifactSum(
    of artifact: String, files: [String: FileSum], sha256: (Data) -> String
) -> String {
    if let file: FileSum = files[artifact] {
        return file.sha256
    }
    var lines: String = ""
    for name in packageFiles(of: artifact, in: files) {
        lines += "\(name) \(files[name]?.sha256 ?? "")\n"
    }
    return sha256(Data(lines.utf8))
}
