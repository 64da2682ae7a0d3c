import CoreML
import CryptoKit
import Foundation
import RetinaCore

/// The model that the app was built with, or the reason why there is none to run.
struct BundledModel: Sendable {
    static let target: String = "coreml"

    let manifest: Manifest
    let artifactSum: String
    private let place: Place

    private enum Place: Sendable {
        case compiled(URL)  // by Xcode, which is the usual way: see ci/add_model.sh
        case package(URL)
    }

    init(in bundle: Bundle) throws {
        guard let json: URL = bundle.url(forResource: "model", withExtension: "json") else {
            throw Problem.noModel
        }
        do {
            manifest = try Manifest(try Data(contentsOf: json), target: BundledModel.target)
        } catch let problem as ManifestProblem {
            throw Problem.manifest(problem)
        }
        artifactSum = manifest.artifactSum(sha256: BundledModel.sha256)
        if let url: URL = bundle.url(forResource: "model", withExtension: "mlmodelc") {
            place = Place.compiled(url)
        } else if let url: URL = bundle.url(forResource: "model", withExtension: "mlpackage") {
            place = Place.package(url)
        } else {
            throw Problem.noModel
        }
    }

    /// Where the compiled model lies. A package is checked file by file, compiled once and kept.
    func compiled() async throws -> URL {
        switch place {
        case .compiled(let url):
            return url
        case .package(let url):
            let kept: URL = try FileManager.default
                .url(for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
                .appendingPathComponent("\(artifactSum).mlmodelc", isDirectory: true)
            if FileManager.default.fileExists(atPath: kept.path) {
                return kept
            }
            try refuseChanged(package: url)
            let fresh: URL = try await MLModel.compileModel(at: url)
            try FileManager.default.moveItem(at: fresh, to: kept)
            return kept
        }
    }

    private func refuseChanged(package: URL) throws {
        for name in packageFiles(of: manifest.artifact, in: manifest.files) {
            let inside: String = String(name.dropFirst(manifest.artifact.count + 1))
            let file: URL = package.appendingPathComponent(inside)
            guard let data: Data = try? Data(contentsOf: file, options: .mappedIfSafe),
                BundledModel.sha256(data) == manifest.files[name]?.sha256
            else {
                throw Problem.changed(name: name)
            }
        }
    }

    private static func sha256(_ data: Data) -> String {
        SHA256.hash(data: data)
            .map { (byte: UInt8) -> String in String(format: "%02x", byte) }
            .joined()
    }
}
