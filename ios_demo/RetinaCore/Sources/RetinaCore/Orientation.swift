/// EXIF's eight ways in which a stored picture lies: what turns it upright.
public struct Orientation: Equatable, Sendable {
    public static let upright: Orientation = Orientation(
        transposed: false, rowsFlipped: false, columnsFlipped: false)

    public let transposed: Bool  // rows of the upright picture are columns of the stored one
    public let rowsFlipped: Bool  // stored rows are read from the last to the first
    public let columnsFlipped: Bool

    public init(transposed: Bool, rowsFlipped: Bool, columnsFlipped: Bool) {
        self.transposed = transposed
        self.rowsFlipped = rowsFlipped
        self.columnsFlipped = columnsFlipped
    }

    /// Whatever is none of EXIF's 1 to 8 counts as upright, as every reader of EXIF does it.
    public init(exif: Int) {
        let known: Orientation? = Orientation.byEXIF[exif]
        self = known ?? Orientation.upright
    }

    private static let byEXIF: [Int: Orientation] = [
        1: Orientation.upright,
        2: Orientation(transposed: false, rowsFlipped: false, columnsFlipped: true),
        3: Orientation(transposed: false, rowsFlipped: true, columnsFlipped: true),
        4: Orientation(transposed: false, rowsFlipped: true, columnsFlipped: false),
        5: Orientation(transposed: true, rowsFlipped: false, columnsFlipped: false),
        6: Orientation(transposed: true, rowsFlipped: true, columnsFlipped: false),
        7: Orientation(transposed: true, rowsFlipped: true, columnsFlipped: true),
        8: Orientation(transposed: true, rowsFlipped: false, columnsFlipped: true)
    ]

    /// A stored picture's size once it is upright, and back: the same swap both ways.
    public func turned(_ size: PixelSize) -> PixelSize {
        transposed ? size.transposed : size
    }

    /// Where an upright pixel lies in the stored picture.
    public func stored(row: Int, column: Int, in size: PixelSize) -> (row: Int, column: Int) {
        let along: Int = transposed ? column : row
        let across: Int = transposed ? row : column
        return (
            row: rowsFlipped ? size.height - 1 - along : along,
            column: columnsFlipped ? size.width - 1 - across : across
        )
    }
}
