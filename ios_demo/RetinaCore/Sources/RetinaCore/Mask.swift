/// Which of the network's pixels are lesion.
public struct Mask: Equatable, Sendable {
    public let side: Int
    public let pixels: [Bool]  // side * side

    public init(side: Int, pixels: [Bool]) {
        precondition(pixels.count == side * side, "a mask is a square")
        self.side = side
        self.pixels = pixels
    }

    public var count: Int {
        pixels.reduce(0) { (sum: Int, isLesion: Bool) -> Int in isLesion ? sum + 1 : sum }
    }
}

/// Compared in float32, as the network's answer is: a threshold of 0.1 is the float32 next to it.
public func thresholded(_ probabilities: ArraySlice<Float>, at threshold: Double) -> [Bool] {
    let limit: Float = Float(threshold)
    return probabilities.map { (probability: Float) -> Bool in probability >= limit }
}
