import Foundation
import RetinaCore

/// Whatever keeps the app from answering, told in the person's language.
enum Problem: LocalizedError, Equatable {
    case photoUnreadable(name: String)
    case photoLarge(name: String, megapixels: Int)
    case fileLarge(name: String, megabytes: Int)
    case memory
    case noModel
    case manifest(ManifestProblem)
    case changed(name: String)
    case model(reason: String)
    case noCamera

    var errorDescription: String? {
        switch self {
        case .photoUnreadable(let name):
            return Texts.text(.errorPhotoUnreadable, name)
        case .photoLarge(let name, let megapixels):
            return Texts.text(
                .errorPhotoLarge, name, Texts.whole(megapixels),
                Texts.whole(Constants.mostMegapixels))
        case .fileLarge(let name, let megabytes):
            return Texts.text(
                .errorFileLarge, name, Texts.whole(megabytes),
                Texts.whole(Constants.mostFileBytes / 1_000_000))
        case .memory:
            return Texts.text(.errorMemory)
        case .noModel:
            return Texts.text(.errorNoModel)
        case .manifest(let problem):
            return Problem.text(of: problem)
        case .changed(let name):
            return Texts.text(.errorSum, name)
        case .model(let reason):
            return Texts.text(.errorModel, reason)
        case .noCamera:
            return Texts.text(.errorNoCamera)
        }
    }

    private static func text(of problem: ManifestProblem) -> String {
        switch problem.code {
        case .notJSON:
            return Texts.text(.errorNotJSON)
        case .schemaNewer:
            return Texts.text(.errorSchemaNewer, problem.found, String(Constants.schema))
        case .schema:
            return Texts.text(.errorSchema, problem.found, String(Constants.schema))
        case .target:
            return Texts.text(.errorTarget, problem.found, BundledModel.target)
        case .entry:
            return Texts.text(.errorEntry, problem.entry)
        }
    }

    /// What to show of any error.
    static func message(of error: Error) -> String {
        if let problem: Problem = error as? Problem {
            return problem.localizedDescription
        }
        return "\(Texts.text(.error)): \(error.localizedDescription)"
    }
}
