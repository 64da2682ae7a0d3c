import RetinaCore
import SwiftUI

/// Which model it is, where it runs, and how long it took there.
struct ModelPanel: View {
    @ObservedObject var app: AppModel
    @Binding var units: ComputeUnits
    let showBenchmark: () -> Void

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            Text(Texts.text(.model))
                .font(.headline)
                .accessibilityAddTraits(.isHeader)
            if let manifest: Manifest = app.manifest {
                Text(Texts.modelLine(manifest))
                UnitsPicker(units: $units)
                LatencyList(latencies: app.latencies)
                Button(Texts.text(.benchmark), action: showBenchmark)
                    .disabled(app.modelState != .ready)
            }
        }
    }
}

struct UnitsPicker: View {
    @Binding var units: ComputeUnits

    var body: some View {
        Picker(Texts.text(.computeUnits), selection: $units) {
            ForEach(ComputeUnits.allCases) { (unit: ComputeUnits) in
                Text(unit.name).tag(unit)
            }
        }
        .pickerStyle(.menu)
    }
}

/// The last time on each of the compute units that were tried.
private struct LatencyList: View {
    let latencies: [ComputeUnits: Double]

    var body: some View {
        if !latencies.isEmpty {
            VStack(alignment: .leading, spacing: 4) {
                Text(Texts.text(.latency))
                ForEach(ComputeUnits.allCases) { (unit: ComputeUnits) in
                    if let time: Double = latencies[unit] {
                        Text(verbatim: "\(unit.name): \(Texts.milliseconds(time))")
                            .foregroundStyle(.secondary)
                    }
                }
            }
            .accessibilityElement(children: .combine)
        }
    }
}

struct Footer: View {
    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            Text(Texts.text(.notADevice))
                .fontWeight(.semibold)
            Text(Texts.text(.staysHere))
        }
        .font(.footnote)
        .foregroundStyle(.secondary)
    }
}
