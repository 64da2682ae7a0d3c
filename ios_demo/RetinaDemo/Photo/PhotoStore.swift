import Foundation

/// The photo looked at last, so that the app comes back as it was left. It lies in the app's own
/// caches, locked with the device, is in no backup, and the next one takes its place.
enum PhotoStore {
    private static func file() throws -> URL {
        try FileManager.default
            .url(for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
            .appendingPathComponent("photo", isDirectory: false)
    }

    static func keep(_ data: Data) throws {
        try data.write(to: try file(), options: [.atomic, .completeFileProtection])
    }

    /// nil: the system has cleared the caches.
    static func kept() -> Data? {
        guard let url: URL = try? file() else { return nil }
        return try? Data(contentsOf: url)
    }
}
