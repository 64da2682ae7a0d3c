package org.mobileseg.demo

import android.content.pm.PackageManager
import androidx.test.ext.junit.runners.AndroidJUnit4
import org.json.JSONObject
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.mobileseg.core.Frame
import org.mobileseg.core.frameOf
import kotlin.math.abs

/** What only Android itself can show: its decoders, its colours, the app as it was put together. */
@RunWith(AndroidJUnit4::class)
class PlatformTest {
    @Test
    fun wideGamutPicturesBecomeSrgb() {
        val copy = PhotoCopy(Assets.file("goldens/colours/display-p3.png"), "display-p3.png")
        val photo = StoredPhoto(copy)
        val frame = frameOf(photo, photo.stored)
        val cases = Assets.json("goldens/index.json").getJSONArray("colours")
        assertTrue("no colours in the goldens", cases.length() > 0)
        for (i in 0 until cases.length()) assertColour(cases.getJSONObject(i), frame, i)
    }

    private fun assertColour(case: JSONObject, frame: Frame, column: Int) {
        val expected = case.getJSONArray("to").wholes()
        for (channel in 0..2) {
            val found = frame.rgb[column * 3 + channel].toInt() and 0xff
            val apart = abs(found - expected[channel])
            assertTrue("$case: found $found in channel $channel", apart <= COLOUR_LEVELS)
        }
    }

    /** The rule holds on Android's own runtime as in the JVM where the core is tested. */
    @Test
    fun photosBecomePythonsFrames() {
        for (name in Assets.names("goldens/photo_to_frame")) {
            val folder = "goldens/photo_to_frame/$name"
            val case = Assets.json("$folder/case.json")
            val photo = RawPhoto(case, Assets.bytes("$folder/photo.rgb"))
            val frame = frameOf(photo, case.size("frame_hw"))
            assertArrayEquals(name, Assets.bytes("$folder/frame.rgb"), frame.rgb)
        }
    }

    /** Of all manifests that were merged into the app's, the runtime's too. */
    @Test
    fun theAppMayUseNoNetwork() {
        val info = Assets.app.packageManager
            .getPackageInfo(Assets.app.packageName, PackageManager.GET_PERMISSIONS)
        val asked = info.requestedPermissions.orEmpty().toList()
        assertFalse("$asked", "android.permission.INTERNET" in asked)
    }

    @Test
    fun aFileThatIsNoPictureIsTold() {
        val copy = PhotoCopy(Assets.file("goldens/index.json"), "notes.jpg")
        val told = try {
            StoredPhoto(copy)
            "nothing"
        } catch (problem: Problem) {
            problem.told.inWords(Assets.app.resources)
        }
        assertEquals(Assets.app.getString(R.string.error_photo_unreadable, "notes.jpg"), told)
    }

    private companion object {
        const val COLOUR_LEVELS = 2 // colour management rounds in its own ways
    }
}
