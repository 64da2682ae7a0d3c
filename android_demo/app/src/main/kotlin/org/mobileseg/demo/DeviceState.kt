package org.mobileseg.demo

import android.content.Context
import android.os.Build
import android.os.PowerManager
import org.mobileseg.core.Device

/** What a measured time depends on besides the model. */
class DeviceState(context: Context) {
    private val power = context.getSystemService(PowerManager::class.java)

    fun batterySaver(): Boolean = power.isPowerSaveMode

    /** Android tells since version 10. */
    fun thermal(): String =
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) UNKNOWN
        else THERMAL.getOrElse(power.currentThermalStatus) { UNKNOWN }

    private companion object {
        const val UNKNOWN = "unknown"

        /** Place in the list = Android's number. */
        val THERMAL = listOf(
            "none", "light", "moderate", "severe", "critical", "emergency", "shutdown",
        )
    }
}

fun thisDevice() = Device(
    name = "${Build.MANUFACTURER} ${Build.MODEL}",
    system = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
    abi = Build.SUPPORTED_ABIS.first(),
    cores = Runtime.getRuntime().availableProcessors(),
    appVersion = BuildConfig.VERSION_NAME,
    runtime = "executorch ${BuildConfig.EXECUTORCH}",
)
