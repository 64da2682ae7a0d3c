import CoreML
import RetinaCore

/// What the model said of one frame.
struct Answer: Sendable {
    let probabilities: [Float]  // lesions * side * side
    let crop: Crop
    let retina: Double  // share of the crop; 0: none found
    let quality: [Float]?  // each lesion's, then the manifest's values; nil: it has none
    let milliseconds: Double  // of the model alone

    init(_ output: MLFeatureProvider, manifest: Manifest, milliseconds: Double) throws {
        let square: [Float] = try Answer.values("crop", of: output, count: 4)
        let pixels: Int = manifest.lesions.count * manifest.side * manifest.side
        probabilities = try Answer.values("probabilities", of: output, count: pixels)
        crop = Crop(
            left: Int(square[0].rounded()), top: Int(square[1].rounded()),
            width: Int(square[2].rounded()), height: Int(square[3].rounded()))
        retina = Double(try Answer.values("retina", of: output, count: 1)[0])
        quality = try manifest.quality.map { (spec: QualitySpec) throws -> [Float] in
            try Answer.values(
                "quality", of: output, count: manifest.lesions.count + spec.values.count)
        }
        self.milliseconds = milliseconds
    }

    /// Row by row, whatever the strides: Core ML pads rows, and may answer in float16.
    private static func values(
        _ name: String, of output: MLFeatureProvider, count: Int
    ) throws -> [Float] {
        guard let array: MLMultiArray = output.featureValue(for: name)?.multiArrayValue else {
            throw Problem.model(reason: name)
        }
        let values: [Float] = MLShapedArray<Float>(converting: array).scalars
        let isFinite: Bool = values.allSatisfy { (value: Float) -> Bool in value.isFinite }
        guard values.count == count, isFinite else {
            throw Problem.model(reason: "\(name): \(values.count)")
        }
        return values
    }
}
