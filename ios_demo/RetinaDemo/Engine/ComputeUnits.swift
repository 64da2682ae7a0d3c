import CoreML

/// Where Core ML may run the network.
enum ComputeUnits: String, CaseIterable, Identifiable {
    case all
    case cpuAndNeuralEngine
    case cpuAndGPU
    case cpuOnly

    var id: String { rawValue }

    var coreML: MLComputeUnits {
        switch self {
        case .all: return .all
        case .cpuAndNeuralEngine: return .cpuAndNeuralEngine
        case .cpuAndGPU: return .cpuAndGPU
        case .cpuOnly: return .cpuOnly
        }
    }

    var name: String {
        switch self {
        case .all: return Texts.text(.unitsAll)
        case .cpuAndNeuralEngine: return Texts.text(.unitsCPUAndNeuralEngine)
        case .cpuAndGPU: return Texts.text(.unitsCPUAndGPU)
        case .cpuOnly: return Texts.text(.unitsCPUOnly)
        }
    }
}
