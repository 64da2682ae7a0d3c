package org.mobileseg.core

/**
 * Where a picture lies in a view: enlarged by [scale], its corner at [left], [top]. A picture never
 * leaves the view: what is smaller than the view is centred, what is larger covers it.
 */
class Viewport {
    var scale = 1f
        private set
    var left = 0f
        private set
    var top = 0f
        private set

    private var view: Size? = null
    private var picture: Size? = null

    /** The sizes that count from now on; a change of either shows the whole picture. */
    fun lay(view: Size, picture: Size) {
        if (view == this.view && picture == this.picture) return
        this.view = view
        this.picture = picture
        fit()
    }

    fun fit() {
        scale = fitting()
        left = 0f
        top = 0f
        hold()
    }

    /** Enlarge so that what lies at [x], [y] of the view stays there. */
    fun zoom(factor: Float, x: Float, y: Float) {
        val wanted = (scale * factor).coerceIn(fitting(), fitting() * MOST)
        left = x - (x - left) * wanted / scale
        top = y - (y - top) * wanted / scale
        scale = wanted
        hold()
    }

    fun move(dx: Float, dy: Float) {
        left += dx
        top += dy
        hold()
    }

    private fun fitting(): Float {
        val view = view ?: return 1f
        val picture = picture ?: return 1f
        return minOf(view.width.toFloat() / picture.width, view.height.toFloat() / picture.height)
    }

    private fun hold() {
        val view = view ?: return
        val picture = picture ?: return
        left = held(left, view.width, picture.width * scale)
        top = held(top, view.height, picture.height * scale)
    }

    private fun held(start: Float, room: Int, length: Float): Float =
        if (length <= room) (room - length) / 2 else start.coerceIn(room - length, 0f)

    companion object {
        const val MOST = 20f // times the whole picture: a microaneurysm of 3 pixels is seen well
        const val STEP = 1.5f // of a button or key
    }
}
