/// Height and width, always in this order, as everywhere in mobileseg.
public struct PixelSize: Equatable, Sendable {
    public let height: Int
    public let width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public var pixels: Int { height * width }

    public var transposed: PixelSize { PixelSize(height: width, width: height) }
}

/// RGB bytes, row by row, nothing between the rows.
public struct Picture: Equatable, Sendable {
    public static let channels: Int = 3

    public let size: PixelSize
    public let rgb: [UInt8]  // height * width * 3

    public init(size: PixelSize, rgb: [UInt8]) {
        precondition(rgb.count == size.pixels * Picture.channels, "RGB bytes do not fit the size")
        self.size = size
        self.rgb = rgb
    }
}

public struct Colour: Equatable, Sendable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}
