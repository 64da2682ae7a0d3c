/// Photo to frame: exact-area average, top left, the rest black. `mobileseg/spec.py` in Swift.
///
/// Takes the photo's rows as they are stored, one after the other, and keeps only the fitted
/// picture and one row of sums: a photo of 50 megapixels never stands in memory here.
/// The average is taken before the picture is turned upright. That is the same to the bit, because
/// a stretch of pixels read backwards is the mirrored stretch, and the sums are whole numbers.
public struct FrameFitter {
    private let stored: PixelSize
    private let orientation: Orientation
    private let frame: PixelSize
    private let content: PixelSize  // the fitted picture, lying as the stored one
    private let shares: [ColumnShare]
    private var across: [Int64]  // one stored row, averaged across: sums in 1/content.width pixel
    private var sums: [Int64]  // the open stretch of rows: sums in 1/(height*width) of the photo
    private var fitted: [UInt8]
    private var rowsSeen: Int = 0
    private var stretch: Int = 0

    public init(stored: PixelSize, orientation: Orientation, frame: PixelSize) {
        precondition(stored.height > 0 && stored.width > 0, "a photo has at least one pixel")
        self.stored = stored
        self.orientation = orientation
        self.frame = frame
        let upright: PixelSize = fittedSize(of: orientation.turned(stored), into: frame)
        let lying: PixelSize = orientation.turned(upright)
        content = lying
        shares = ColumnShare.of(columns: stored.width, over: lying.width)
        across = [Int64](repeating: 0, count: lying.width * Picture.channels)
        sums = [Int64](repeating: 0, count: lying.width * Picture.channels)
        fitted = [UInt8](repeating: 0, count: lying.pixels * Picture.channels)
    }

    /// The next stored rows.
    ///
    /// - Parameters:
    ///   - pixels: RGB or RGBX; what is beyond the third byte of a pixel is passed over.
    ///   - rows: how many of them to take.
    ///   - bytesPerRow: from one row's first byte to the next one's.
    ///   - bytesPerPixel: 3 or 4.
    public mutating func add(
        _ pixels: UnsafeBufferPointer<UInt8>, rows: Int, bytesPerRow: Int, bytesPerPixel: Int
    ) {
        precondition(rowsSeen + rows <= stored.height, "more rows than the photo has")
        for row in 0..<rows {
            averageAcross(pixels, from: row * bytesPerRow, bytesPerPixel: bytesPerPixel)
            addToStretches()
            rowsSeen += 1
        }
    }

    /// The frame, and the size of the upright picture in its top left corner.
    public func finished() -> (frame: Picture, content: PixelSize) {
        precondition(rowsSeen == stored.height, "fewer rows than the photo has")
        let upright: PixelSize = orientation.turned(content)
        var rgb: [UInt8] = [UInt8](repeating: 0, count: frame.pixels * Picture.channels)
        for row in 0..<upright.height {
            for column in 0..<upright.width {
                let source = orientation.stored(row: row, column: column, in: content)
                let from: Int = (source.row * content.width + source.column) * Picture.channels
                let to: Int = (row * frame.width + column) * Picture.channels
                rgb[to] = fitted[from]
                rgb[to + 1] = fitted[from + 1]
                rgb[to + 2] = fitted[from + 2]
            }
        }
        return (frame: Picture(size: frame, rgb: rgb), content: upright)
    }

    private mutating func averageAcross(
        _ pixels: UnsafeBufferPointer<UInt8>, from start: Int, bytesPerPixel: Int
    ) {
        let shares: [ColumnShare] = self.shares
        across.withUnsafeMutableBufferPointer {
            (across: inout UnsafeMutableBufferPointer<Int64>) -> Void in
            across.update(repeating: 0)
            var source: Int = start
            for share in shares {
                let to: Int = share.first * Picture.channels
                for channel in 0..<Picture.channels {
                    let value: Int64 = Int64(pixels[source + channel])
                    across[to + channel] += value * share.inFirst
                    if share.inNext > 0 {
                        across[to + Picture.channels + channel] += value * share.inNext
                    }
                }
                source += bytesPerPixel
            }
        }
    }

    /// A row covers content.height units, a stretch stored.height: whole numbers throughout.
    private mutating func addToStretches() {
        let rowEnd: Int = (rowsSeen + 1) * content.height
        let stretchEnd: Int = (stretch + 1) * stored.height
        let beyond: Int = max(0, rowEnd - stretchEnd)
        addAcross(times: Int64(content.height - beyond))
        if rowEnd >= stretchEnd {
            closeStretch()
            addAcross(times: Int64(beyond))
        }
    }

    private mutating func addAcross(times weight: Int64) {
        if weight == 0 {
            return
        }
        let across: [Int64] = self.across
        sums.withUnsafeMutableBufferPointer {
            (sums: inout UnsafeMutableBufferPointer<Int64>) -> Void in
            for index in 0..<sums.count {
                sums[index] += across[index] * weight
            }
        }
    }

    private mutating func closeStretch() {
        let area: Int64 = Int64(stored.pixels)
        let start: Int = stretch * content.width * Picture.channels
        for index in 0..<sums.count {
            fitted[start + index] = UInt8((2 * sums[index] + area) / (2 * area))
            sums[index] = 0
        }
        stretch += 1
    }
}

/// How a stored column is shared between fitted ones: two at most, since nothing is enlarged.
struct ColumnShare {
    let first: Int
    let inFirst: Int64  // in 1/count of a column
    let inNext: Int64

    static func of(columns: Int, over count: Int) -> [ColumnShare] {
        var shares: [ColumnShare] = []
        shares.reserveCapacity(columns)
        for column in 0..<columns {
            let first: Int = column * count / columns
            let beyond: Int = max(0, (column + 1) * count - (first + 1) * columns)
            shares.append(
                ColumnShare(first: first, inFirst: Int64(count - beyond), inNext: Int64(beyond)))
        }
        return shares
    }
}
