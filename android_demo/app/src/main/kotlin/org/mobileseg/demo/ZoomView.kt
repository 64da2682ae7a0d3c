package org.mobileseg.demo

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.util.AttributeSet
import android.view.GestureDetector
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.ScaleGestureDetector
import android.view.View
import org.mobileseg.core.Size
import org.mobileseg.core.Viewport

/** A picture that two fingers or + and - enlarge, and one finger or the arrow keys move. */
class ZoomView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val viewport = Viewport()
    private val matrix = Matrix()
    private val paint = Paint() // unfiltered: enlarged pixels stay pixels, and edges of masks sharp
    private var bitmap: Bitmap? = null

    private val pinch = ScaleGestureDetector(
        context,
        object : ScaleGestureDetector.SimpleOnScaleGestureListener() {
            override fun onScale(detector: ScaleGestureDetector): Boolean {
                change { zoom(detector.scaleFactor, detector.focusX, detector.focusY) }
                return true
            }
        },
    )

    private val drag = GestureDetector(
        context,
        object : GestureDetector.SimpleOnGestureListener() {
            override fun onDown(event: MotionEvent) = true

            override fun onScroll(
                first: MotionEvent?,
                event: MotionEvent,
                dx: Float,
                dy: Float,
            ): Boolean {
                change { move(-dx, -dy) }
                return true
            }

            override fun onDoubleTap(event: MotionEvent): Boolean {
                change { fit() }
                return true
            }
        },
    )

    fun show(picture: Bitmap?) {
        bitmap = picture
        layPicture()
        invalidate()
    }

    fun zoomIn() = change { zoom(Viewport.STEP, width / 2f, height / 2f) }

    fun zoomOut() = change { zoom(1 / Viewport.STEP, width / 2f, height / 2f) }

    fun zoomFit() = change { fit() }

    override fun onSizeChanged(width: Int, height: Int, oldWidth: Int, oldHeight: Int) {
        super.onSizeChanged(width, height, oldWidth, oldHeight)
        layPicture()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val picture = bitmap ?: return
        matrix.setScale(viewport.scale, viewport.scale)
        matrix.postTranslate(viewport.left, viewport.top)
        canvas.drawBitmap(picture, matrix, paint)
    }

    @SuppressLint("ClickableViewAccessibility") // nothing to click: buttons and keys zoom as well
    override fun onTouchEvent(event: MotionEvent): Boolean {
        parent?.requestDisallowInterceptTouchEvent(true)
        pinch.onTouchEvent(event)
        if (!pinch.isInProgress) drag.onTouchEvent(event)
        return true
    }

    override fun onKeyDown(keyCode: Int, event: KeyEvent): Boolean {
        val way = ARROWS[keyCode]
        if (way != null && moved(way)) return true
        val act = ACTS[keyCode] ?: return super.onKeyDown(keyCode, event)
        act(this)
        return true
    }

    /** Whether there was anywhere to move; else the arrow key goes on to the next view. */
    private fun moved(way: Pair<Int, Int>): Boolean {
        val before = viewport.left to viewport.top
        val step = width / KEY_STEPS
        change { move(step * way.first, step * way.second) }
        return before != viewport.left to viewport.top
    }

    private fun change(how: Viewport.() -> Unit) {
        viewport.how()
        invalidate()
    }

    private fun layPicture() {
        val picture = bitmap ?: return
        if (width == 0 || height == 0) return
        viewport.lay(Size(height, width), Size(picture.height, picture.width))
    }

    private companion object {
        const val KEY_STEPS = 8f // of an arrow key across the view
        val ARROWS = mapOf(
            KeyEvent.KEYCODE_DPAD_LEFT to Pair(1, 0),
            KeyEvent.KEYCODE_DPAD_RIGHT to Pair(-1, 0),
            KeyEvent.KEYCODE_DPAD_UP to Pair(0, 1),
            KeyEvent.KEYCODE_DPAD_DOWN to Pair(0, -1),
        )
        val ACTS = mapOf<Int, ZoomView.() -> Unit>(
            KeyEvent.KEYCODE_PLUS to { zoomIn() },
            KeyEvent.KEYCODE_EQUALS to { zoomIn() }, // plus, without the shift key
            KeyEvent.KEYCODE_NUMPAD_ADD to { zoomIn() },
            KeyEvent.KEYCODE_MINUS to { zoomOut() },
            KeyEvent.KEYCODE_NUMPAD_SUBTRACT to { zoomOut() },
            KeyEvent.KEYCODE_0 to { zoomFit() },
            KeyEvent.KEYCODE_NUMPAD_0 to { zoomFit() },
        )
    }
}
