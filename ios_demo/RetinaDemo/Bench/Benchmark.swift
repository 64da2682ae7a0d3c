import Foundation
import RetinaCore

/// How long to measure.
struct BenchmarkPlan: Equatable, Sendable {
    static let sustainedMinutes: Int = 5  // until a phone without a fan has slowed down

    let warmup: Int
    let rounds: Int  // at most
    let seconds: Double?  // nil: until all rounds are done

    static let short: BenchmarkPlan = BenchmarkPlan(warmup: 5, rounds: 50, seconds: nil)
    static let sustained: BenchmarkPlan = BenchmarkPlan(
        warmup: 5, rounds: 10_000, seconds: Double(sustainedMinutes * 60))
}

/// A measurement on one choice of compute units.
struct BenchmarkResult: Identifiable {
    let units: ComputeUnits
    let medianMs: Double
    let p90Ms: Double
    let file: URL

    var id: String { units.rawValue }
}

/// Measures the model afresh: loading, warming up, then round after round on one frame.
struct Benchmark: Sendable {
    let model: BundledModel
    let units: ComputeUnits
    let frame: Picture
    let plan: BenchmarkPlan

    /// - Parameter progress: share of the plan that is done, 0...1.
    func run(
        progress: @escaping @MainActor @Sendable (Double) -> Void
    ) async throws -> PhoneBench.Run {
        let runner: ModelRunner = try await ModelRunner(
            compiled: try await model.compiled(), manifest: model.manifest, units: units)
        for _ in 0..<plan.warmup {
            try Task.checkCancellation()
            _ = try await runner.answer(to: frame)
        }
        let start: ContinuousClock.Instant = ContinuousClock.now
        var times: [Double] = []
        while times.count < plan.rounds {
            try Task.checkCancellation()
            times.append(try await runner.answer(to: frame).milliseconds)
            let passed: Double = milliseconds(since: start) / 1000
            let done: Double = share(rounds: times.count, seconds: passed)
            await progress(done)
            if done >= 1, times.count >= Benchmark.fewestRounds {
                break
            }
        }
        let process: ProcessInfo = ProcessInfo.processInfo
        return PhoneBench.Run(
            runtime: "coreml \(units.rawValue)", loadMs: runner.loadMilliseconds,
            warmup: plan.warmup, roundsMs: times, batterySaver: process.isLowPowerModeEnabled,
            thermal: process.thermalWord)
    }

    private static let fewestRounds: Int = 10  // `mobileseg bench --import` takes no fewer

    private func share(rounds: Int, seconds: Double) -> Double {
        let byRounds: Double = Double(rounds) / Double(plan.rounds)
        guard let most: Double = plan.seconds else { return byRounds }
        return max(byRounds, seconds / most)
    }

    /// Time does not hang on what a frame shows; without a photo a grey one does.
    static func greyFrame(_ size: PixelSize) -> Picture {
        Picture(
            size: size, rgb: [UInt8](repeating: 128, count: size.pixels * Picture.channels))
    }
}
