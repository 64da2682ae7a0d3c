import Combine
import Foundation
import RetinaCore

/// What the benchmark screen shows.
@MainActor
final class BenchmarkModel: ObservableObject {
    @Published private(set) var progress: Double?  // nil: nothing runs
    @Published private(set) var results: [BenchmarkResult] = []
    @Published private(set) var problem: String?

    private var running: Task<Void, Never>?

    func start(_ benchmark: Benchmark) {
        running?.cancel()
        problem = nil
        progress = 0
        running = Task {
            do {
                let run: PhoneBench.Run = try await benchmark.run { (share: Double) in
                    self.progress = share
                }
                try keep(run, of: benchmark)
            } catch is CancellationError {
                // stopped by the person, who knows
            } catch {
                problem = Problem.message(of: error)
            }
            progress = nil
        }
    }

    func stop() {
        running?.cancel()
    }

    private func keep(_ run: PhoneBench.Run, of benchmark: Benchmark) throws {
        let bench: PhoneBench = PhoneBench(
            date: Date(), appVersion: ThisDevice.appVersion, device: ThisDevice.described,
            run: run, manifest: benchmark.model.manifest,
            artifactSum: benchmark.model.artifactSum)
        let file: URL = FileManager.default.temporaryDirectory
            .appendingPathComponent("bench-ios-\(benchmark.units.rawValue).json")
        try bench.json().write(to: file, options: .atomic)
        let result: BenchmarkResult = BenchmarkResult(
            units: benchmark.units, medianMs: bench.medianMs, p90Ms: bench.p90Ms, file: file)
        results.removeAll { (old: BenchmarkResult) -> Bool in old.units == result.units }
        results.append(result)
    }
}
