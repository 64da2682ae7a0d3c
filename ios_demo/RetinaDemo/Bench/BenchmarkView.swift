import RetinaCore
import SwiftUI

/// Measures the model on each of the compute units, and hands the figures on.
struct BenchmarkView: View {
    @ObservedObject var app: AppModel
    @State var units: ComputeUnits  // its own: the screen behind need not load with each
    @StateObject private var benchmark: BenchmarkModel = BenchmarkModel()
    @State private var isSustained: Bool = false
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            Form {
                Section {
                    UnitsPicker(units: $units)
                    Toggle(sustainedText, isOn: $isSustained)
                    startOrStop
                }
                .disabled(app.bundled == nil)
                Section {
                    ForEach(benchmark.results) { (result: BenchmarkResult) in
                        ResultRow(result: result)
                    }
                    if let problem: String = benchmark.problem {
                        Text(problem)
                    }
                } footer: {
                    Text(Texts.text(.benchmarkHint))
                }
            }
            .navigationTitle(Texts.text(.benchmark))
            .navigationBarTitleDisplayMode(.inline)
            .toolbar {
                ToolbarItem(placement: .cancellationAction) {
                    Button(Texts.text(.close)) { dismiss() }
                }
            }
        }
        .onDisappear { benchmark.stop() }
    }

    private var sustainedText: String {
        Texts.text(.benchmarkSustained, Texts.whole(BenchmarkPlan.sustainedMinutes))
    }

    @ViewBuilder private var startOrStop: some View {
        if let share: Double = benchmark.progress {
            ProgressView(value: min(share, 1)) {
                Text(Texts.text(.benchmarkProgress, percent(share), percent(1)))
            }
            Button(Texts.text(.benchmarkStop)) { benchmark.stop() }
        } else {
            Button(Texts.text(.benchmarkStart)) { start() }
        }
    }

    private func percent(_ share: Double) -> String {
        Texts.text(.opacityValue, Texts.whole(Int(min(share, 1) * 100)))
    }

    private func start() {
        guard let model: BundledModel = app.bundled else { return }
        let frame: Picture =
            app.analysis?.photo.frame ?? Benchmark.greyFrame(model.manifest.frame)
        benchmark.start(
            Benchmark(
                model: model, units: units, frame: frame,
                plan: isSustained ? BenchmarkPlan.sustained : BenchmarkPlan.short))
    }
}

private struct ResultRow: View {
    let result: BenchmarkResult

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            Text(result.units.name)
                .font(.headline)
            Text(Texts.text(.benchmarkResult, shown(result.medianMs), shown(result.p90Ms)))
            ShareLink(item: result.file) {
                Label(Texts.text(.benchmarkShare), systemImage: "square.and.arrow.up")
            }
        }
    }

    private func shown(_ milliseconds: Double) -> String {
        decimalText(milliseconds, places: 1, locale: Locale.current)
    }
}
