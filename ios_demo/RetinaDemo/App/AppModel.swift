import Combine
import CoreGraphics
import Foundation
import RetinaCore
import UIKit

/// What the app knows: the model, the photo looked at, and what was found in it.
@MainActor
final class AppModel: ObservableObject {
    enum ModelState: Equatable {
        case loading
        case ready
        case failed(String)
    }

    @Published private(set) var modelState: ModelState = .loading
    @Published private(set) var manifest: Manifest?
    @Published private(set) var analysis: Analysis?
    @Published private(set) var picture: CGImage?
    /// An unusable picture's lesions are told after a deliberate step.
    @Published private(set) var isTold: Bool = false
    @Published private(set) var isWorking: Bool = false
    @Published private(set) var latencies: [ComputeUnits: Double] = [:]
    @Published var problem: String?

    private(set) var bundled: BundledModel?
    private var runner: ModelRunner?
    private var units: ComputeUnits = .all
    private var hidden: Set<String> = []
    private var opacity: Int = Constants.opacity
    private var drawing: Task<Void, Never>?
    private var asked: Int = 0  // a photo that was asked for later wins, whichever ends first

    func load(_ wanted: ComputeUnits) async {
        modelState = .loading
        units = wanted
        do {
            let model: BundledModel = try bundled ?? BundledModel(in: Bundle.main)
            bundled = model
            let compiled: URL = try await model.compiled()
            let loaded: ModelRunner = try await ModelRunner(
                compiled: compiled, manifest: model.manifest, units: wanted)
            guard units == wanted else { return }
            runner = loaded
            manifest = model.manifest
            modelState = .ready
        } catch {
            guard units == wanted else { return }
            runner = nil
            modelState = .failed(Problem.message(of: error))
        }
        await lookAgain()
    }

    /// Returns whether the photo could be read.
    @discardableResult
    func look(at data: Data, named name: String) async -> Bool {
        guard let runner: ModelRunner = runner else { return false }
        let reader: PhotoReader = PhotoReader(name: name, frame: runner.manifest.frame)
        return await working {
            let decoding: Task<Photo, Error> = Task.detached(priority: .userInitiated) {
                try reader.photo(from: data)
            }
            return try await decoding.value
        }
    }

    func show(hiding codes: Set<String>, opacity level: Int) {
        hidden = codes
        opacity = level
        redraw()
    }

    /// The deliberate step.
    func tell() {
        guard let shown: Analysis = analysis else { return }
        isTold = true
        redraw()
        announce(shown)
    }

    /// The photo at hand, by the model as it is loaded now.
    private func lookAgain() async {
        guard let photo: Photo = analysis?.photo, runner != nil else { return }
        await working { photo }
    }

    @discardableResult
    private func working(_ photo: () async throws -> Photo) async -> Bool {
        guard let runner: ModelRunner = runner else { return false }
        asked += 1
        let mine: Int = asked
        let by: ComputeUnits = units
        isWorking = true
        problem = nil
        do {
            let found: Analysis = try await AppModel.analysis(of: try await photo(), by: runner)
            guard mine == asked else { return true }
            isWorking = false
            analysis = found
            isTold = found.isUsable
            latencies[by] = found.milliseconds
            redraw()
            announce(found)
            return true
        } catch {
            guard mine == asked else { return false }
            isWorking = false
            problem = Problem.message(of: error)
            return false
        }
    }

    private nonisolated static func analysis(
        of photo: Photo, by runner: ModelRunner
    ) async throws -> Analysis {
        let answer: Answer = try await runner.answer(to: photo.frame)
        return Analysis(photo: photo, answer: answer, manifest: runner.manifest)
    }

    private func redraw() {
        guard let shown: Analysis = analysis else { return }
        let all: [String] = shown.lesions.map { (found: FoundLesion) -> String in found.id }
        let codes: Set<String> = isTold ? hidden : Set(all)
        let level: Int = opacity
        drawing?.cancel()
        drawing = Task {
            let drawn: Task<Picture, Never> = Task.detached(priority: .userInitiated) {
                shown.picture(hiding: codes, opacity: level)
            }
            let result: Picture = await drawn.value
            if !Task.isCancelled {
                picture = cgImage(of: result)
            }
        }
    }

    /// For VoiceOver, whose user does not see that something new has appeared.
    private func announce(_ found: Analysis) {
        let time: String = Texts.whole(Int(found.milliseconds.rounded()))
        let parts: [String] =
            found.said.map(Texts.spoken) + [Texts.text(.done, time)]
            + Texts.figures(of: found, isTold: isTold)
        UIAccessibility.post(
            notification: .announcement, argument: parts.joined(separator: ". "))
    }
}
