/// A lesion as it is drawn.
public struct Layer: Sendable {
    public let mask: Mask
    public let colour: Colour

    public init(mask: Mask, colour: Colour) {
        self.mask = mask
        self.colour = colour
    }
}

/// The frame cut to its content, every layer in its colour, later ones on top.
///
/// - Parameter opacity: 0...255.
public func drawOverlay(
    frame: Picture, content: PixelSize, crop: Crop, layers: [Layer], opacity: Int
) -> Picture {
    var rgb: [UInt8] = []
    rgb.reserveCapacity(content.pixels * Picture.channels)
    for row in 0..<content.height {
        let start: Int = row * frame.size.width * Picture.channels
        rgb.append(contentsOf: frame.rgb[start..<start + content.width * Picture.channels])
    }
    for layer in layers {
        blend(layer, into: &rgb, size: content, crop: crop, opacity: opacity)
    }
    return Picture(size: content, rgb: rgb)
}

private func blend(
    _ layer: Layer, into rgb: inout [UInt8], size: PixelSize, crop: Crop, opacity: Int
) {
    let side: Int = layer.mask.side
    let rows: [Int?] = maskPlaces(count: size.height, from: crop.top, over: crop.height, side: side)
    let columns: [Int?] = maskPlaces(
        count: size.width, from: crop.left, over: crop.width, side: side)
    let red: [UInt8] = tints(towards: layer.colour.red, opacity: opacity)
    let green: [UInt8] = tints(towards: layer.colour.green, opacity: opacity)
    let blue: [UInt8] = tints(towards: layer.colour.blue, opacity: opacity)
    for row in 0..<size.height {
        guard let maskRow: Int = rows[row] else { continue }
        for column in 0..<size.width {
            guard let maskColumn: Int = columns[column] else { continue }
            if layer.mask.pixels[maskRow * side + maskColumn] {
                let pixel: Int = (row * size.width + column) * Picture.channels
                rgb[pixel] = red[Int(rgb[pixel])]
                rgb[pixel + 1] = green[Int(rgb[pixel + 1])]
                rgb[pixel + 2] = blue[Int(rgb[pixel + 2])]
            }
        }
    }
}

/// Row (or column) of the mask in which each one of the frame lies: nearest below, nil outside.
/// Places before the crop are left out before dividing: Swift rounds towards 0, not down.
private func maskPlaces(count: Int, from start: Int, over length: Int, side: Int) -> [Int?] {
    (0..<count).map { (place: Int) -> Int? in
        let inside: Int = place - start
        return inside >= 0 && inside < length ? inside * side / length : nil
    }
}

/// What each grey level becomes: (source * (255 - a) + colour * a + 127) / 255, rounded down.
private func tints(towards colour: UInt8, opacity: Int) -> [UInt8] {
    let added: Int = Int(colour) * opacity + 127
    let kept: Int = 255 - opacity
    return (0...255).map { (source: Int) -> UInt8 in UInt8((source * kept + added) / 255) }
}
