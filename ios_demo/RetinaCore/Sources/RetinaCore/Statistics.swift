/// A quantile by linear interpolation between the two nearest values, as NumPy takes it.
///
/// - Parameter share: 0...1; 0.5 is the median.
public func quantile(_ values: [Double], at share: Double) -> Double {
    precondition(!values.isEmpty, "a quantile of nothing")
    let sorted: [Double] = values.sorted()
    let place: Double = Double(sorted.count - 1) * share
    let below: Int = Int(place.rounded(.down))
    let above: Int = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
}
