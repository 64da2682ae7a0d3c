@preconcurrency import CoreML  // MLModel does not say that it is Sendable
import CoreVideo
import Foundation
import RetinaCore

/// A loaded model. An actor, so that no two callers prepare or read an answer at once.
actor ModelRunner {
    nonisolated let manifest: Manifest
    nonisolated let loadMilliseconds: Double
    private let model: MLModel

    init(compiled: URL, manifest: Manifest, units: ComputeUnits) async throws {
        let configuration: MLModelConfiguration = MLModelConfiguration()
        configuration.computeUnits = units.coreML
        let start: ContinuousClock.Instant = ContinuousClock.now
        do {
            model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
        } catch {
            throw Problem.model(reason: error.localizedDescription)
        }
        loadMilliseconds = milliseconds(since: start)
        self.manifest = manifest
    }

    func answer(to frame: Picture) async throws -> Answer {
        guard frame.size == manifest.frame else {
            throw Problem.model(reason: "\(frame.size.height)x\(frame.size.width)")
        }
        let buffer: CVPixelBuffer = try pixelBuffer(of: frame)
        let value: MLFeatureValue = MLFeatureValue(pixelBuffer: buffer)
        do {
            let input: MLDictionaryFeatureProvider = try MLDictionaryFeatureProvider(
                dictionary: [manifest.inputName: value])
            let start: ContinuousClock.Instant = ContinuousClock.now
            let output: MLFeatureProvider = try await prediction(from: input)
            return try Answer(output, manifest: manifest, milliseconds: milliseconds(since: start))
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem.model(reason: error.localizedDescription)
        }
    }

    private func prediction(from input: MLFeatureProvider) async throws -> MLFeatureProvider {
        if #available(iOS 17.0, *) {
            return try await model.prediction(from: input, options: MLPredictionOptions())
        }
        return try blockingPrediction(from: input)
    }

    /// Before iOS 17 there is no other; it blocks this actor's thread and not the screen.
    private func blockingPrediction(from input: MLFeatureProvider) throws -> MLFeatureProvider {
        try model.prediction(from: input, options: MLPredictionOptions())
    }
}

func milliseconds(since start: ContinuousClock.Instant) -> Double {
    let passed: Duration = start.duration(to: ContinuousClock.now)
    let attosecondsPerMillisecond: Double = 1e15
    return Double(passed.components.seconds) * 1000
        + Double(passed.components.attoseconds) / attosecondsPerMillisecond
}
