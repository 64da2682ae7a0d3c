import Foundation

/// One lesion in one picture.
public struct Finding: Equatable, Sendable {
    public let count: Int  // 8-connected components of the mask
    public let pixels: Int  // at the network's resolution
    public let area: Double  // share of the retina, 0...1; 0 where no retina was found
    public let basisPoints: Int  // hundredths of a percent

    public init(mask: Mask, retina: Double) {
        count = components(of: mask)
        let found: Int = mask.count
        let share: Double =
            retina > 0 ? Double(found) / (retina * Double(mask.side * mask.side)) : 0
        pixels = found
        area = share
        basisPoints = Int((share * 10_000 + 0.5).rounded(.down))
    }
}

/// The square of the frame that the network looked at; it may hang out of the frame.
public struct Crop: Equatable, Sendable {
    public let left: Int
    public let top: Int
    public let width: Int
    public let height: Int

    public init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }
}

/// What is raised without a quality output.
public func flags(retina: Double, crop: Crop, side: Int) -> [Flag] {
    if retina == 0 {
        return [Flag.noRetina]
    }
    return max(crop.width, crop.height) < side ? [Flag.tooSmall] : []
}

/// Number of 8-connected components.
public func components(of mask: Mask) -> Int {
    let side: Int = mask.side
    var waiting: [Int] = []
    var unseen: [Bool] = mask.pixels
    var count: Int = 0
    for start in 0..<unseen.count where unseen[start] {
        count += 1
        unseen[start] = false
        waiting.append(start)
        while let pixel: Int = waiting.popLast() {
            let row: Int = pixel / side
            let column: Int = pixel % side
            for nextRow in max(0, row - 1)...min(side - 1, row + 1) {
                for nextColumn in max(0, column - 1)...min(side - 1, column + 1) {
                    let next: Int = nextRow * side + nextColumn
                    if unseen[next] {
                        unseen[next] = false
                        waiting.append(next)
                    }
                }
            }
        }
    }
    return count
}
