package org.mobileseg.core

/** Number of 8-connected components of a mask: what a person would call one lesion each. */
fun components(mask: Mask): Int {
    val seen = BooleanArray(mask.pixels.size)
    val open = IntArray(mask.pixels.size) // a stack of its own: recursion would overflow
    var found = 0
    for (start in mask.pixels.indices) {
        if (!mask.pixels[start] || seen[start]) continue
        found++
        seen[start] = true
        open[0] = start
        var height = 1
        while (height > 0) {
            height = spread(mask, seen, open, height - 1)
        }
    }
    return found
}

/** Take the pixel at [top] off the stack, put its new neighbours on; returns the stack's height. */
private fun spread(mask: Mask, seen: BooleanArray, open: IntArray, top: Int): Int {
    val row = open[top] / mask.side
    val column = open[top] % mask.side
    var height = top
    for (y in maxOf(row - 1, 0)..minOf(row + 1, mask.side - 1)) {
        for (x in maxOf(column - 1, 0)..minOf(column + 1, mask.side - 1)) {
            val at = y * mask.side + x
            if (mask.pixels[at] && !seen[at]) {
                seen[at] = true // on the way in: so that no pixel stands on the stack twice
                open[height++] = at
            }
        }
    }
    return height
}
