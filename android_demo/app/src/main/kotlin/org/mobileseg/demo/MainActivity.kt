package org.mobileseg.demo

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import android.widget.Button
import org.mobileseg.core.Limits

/** Takes or picks a photo; the [MainScreen] shows what the session has of it. */
class MainActivity : Activity() {
    private lateinit var screen: MainScreen

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.activity_main)
        screen = MainScreen(findViewById(android.R.id.content), session)
        onClick(R.id.take_photo) { takePhoto() }
        onClick(R.id.pick_photo) { pickPhoto() }
        onClick(R.id.benchmark) { startActivity(Intent(this, BenchActivity::class.java)) }
        resume(state)
    }

    override fun onStart() {
        super.onStart()
        session.changed.add(this, screen::render)
        screen.render()
    }

    override fun onStop() {
        session.changed.remove(this)
        super.onStop()
    }

    override fun onDestroy() {
        if (isFinishing) session.end()
        super.onDestroy()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(PHOTO, session.photo)
        state.putStringArray(HIDDEN, session.hidden.toTypedArray())
        state.putInt(OPACITY, session.opacity)
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        when {
            request == TAKE && result == RESULT_OK -> session.openCapture()
            request == TAKE -> Shared.CAPTURE.file(this).delete() // what the camera may have left
            result == RESULT_OK -> data?.data?.let(session::open)
        }
    }

    /** After the process was ended; a turned phone finds the session as it was. */
    private fun resume(state: Bundle?) {
        val photo = state?.getString(PHOTO) ?: return
        if (session.stage !is Stage.Empty) return
        val hidden = state.getStringArray(HIDDEN).orEmpty().toSet()
        session.resume(photo, hidden, state.getInt(OPACITY, Limits.OPACITY))
    }

    private fun takePhoto() = ask(
        Intent(MediaStore.ACTION_IMAGE_CAPTURE)
            .putExtra(MediaStore.EXTRA_OUTPUT, Shared.CAPTURE.uri(this))
            .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION),
        TAKE,
        Message(R.string.error_no_camera),
    )

    private fun pickPhoto() = ask(
        Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("image/*"),
        PICK,
        Message(R.string.error),
    )

    private fun ask(intent: Intent, request: Int, otherwise: Message) = try {
        startActivityForResult(intent, request)
    } catch (_: ActivityNotFoundException) { // a phone without such an app
        screen.tell(otherwise)
    }

    private fun onClick(id: Int, act: () -> Unit) =
        findViewById<Button>(id).setOnClickListener { _: View -> act() }

    private companion object {
        const val TAKE = 1
        const val PICK = 2
        const val PHOTO = "photo"
        const val HIDDEN = "hidden"
        const val OPACITY = "opacity"
    }
}
