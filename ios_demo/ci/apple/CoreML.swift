// Core ML, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
//
// Nothing here is Sendable, which is stricter than Apple's where it is.
@_exported import CoreVideo
@_exported import Foundation

public enum MLComputeUnits: Int, @unchecked Sendable {
    case cpuOnly = 0
    case cpuAndGPU = 1
    case all = 2
    case cpuAndNeuralEngine = 3
}

open class MLModelConfiguration: NSObject {
    open var computeUnits: MLComputeUnits {
        get { fatalError() }
        set { fatalError() }
    }
}

open class MLPredictionOptions: NSObject {}

public protocol MLFeatureProvider: NSObjectProtocol {
    var featureNames: Set<String> { get }

    func featureValue(for featureName: String) -> MLFeatureValue?
}

open class MLMultiArray: NSObject {}

open class MLFeatureValue: NSObject {
    public convenience init(pixelBuffer value: CVPixelBuffer) { fatalError() }

    open var multiArrayValue: MLMultiArray? { fatalError() }
}

open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    public init(dictionary: [String: Any]) throws { fatalError() }

    open var featureNames: Set<String> { fatalError() }

    open func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}

open class MLModel: NSObject {
    @available(*, deprecated, message: "the one that is awaited")
    open class func compileModel(at modelURL: URL) throws -> URL { fatalError() }
    public class func compileModel(at url: URL) async throws -> URL { fatalError() }

    public class func load(
        contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration()
    ) async throws -> MLModel { fatalError() }

    open func prediction(
        from input: any MLFeatureProvider, options: MLPredictionOptions
    ) throws -> any MLFeatureProvider { fatalError() }

    @available(iOS 17.0, *)
    public func prediction(
        from input: any MLFeatureProvider, options: MLPredictionOptions = MLPredictionOptions()
    ) async throws -> any MLFeatureProvider { fatalError() }
}

public protocol MLShapedArrayScalar {}

extension Double: MLShapedArrayScalar {}
extension Float: MLShapedArrayScalar {}
extension Int32: MLShapedArrayScalar {}

public struct MLShapedArray<Scalar: MLShapedArrayScalar> {
    public init(_ multiArray: MLMultiArray) {}
    public init(converting multiArray: MLMultiArray) {}

    public var scalars: [Scalar] {
        get { fatalError() }
        set { fatalError() }
    }
    public var shape: [Int] { fatalError() }
}
