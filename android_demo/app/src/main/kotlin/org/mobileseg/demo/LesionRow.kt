package org.mobileseg.demo

import android.graphics.Color
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.Switch
import android.widget.TextView
import org.mobileseg.core.Finding
import org.mobileseg.core.Lesion

/** A lesion's colour, switch, count and area. */
class LesionRow(parent: ViewGroup, private val lesion: Lesion, finding: Finding, session: Session) {
    private val view: View =
        LayoutInflater.from(parent.context).inflate(R.layout.lesion, parent, false)
    private val resources = parent.resources

    init {
        parent.addView(view)
        val numbers = Numbers(resources)
        val name = numbers.name(lesion)
        val (red, green, blue) = lesion.colour
        view.findViewById<View>(R.id.colour).setBackgroundColor(Color.rgb(red, green, blue))
        view.findViewById<Switch>(R.id.shown).apply {
            text = name
            contentDescription = resources.getString(R.string.show_lesion, name)
            isSaveEnabled = false // the session keeps it; every row's switch has the same id
            isChecked = lesion.code !in session.hidden
            setOnCheckedChangeListener { _, shown -> session.show(lesion.code, shown) }
        }
        view.findViewById<TextView>(R.id.finding).apply {
            text = told(numbers, finding)
            contentDescription = numbers.sentence(lesion, finding)
        }
    }

    private fun told(numbers: Numbers, finding: Finding): String = listOf(
        R.string.count to numbers.count(finding),
        R.string.area to numbers.area(finding),
    ).joinToString(" · ") { (label, value) -> "${resources.getString(label)}: $value" }
}
