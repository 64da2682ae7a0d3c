package org.mobileseg.demo

import android.app.Application
import android.content.Context

/** Keeps what outlives a turned phone: the model and what was found. */
class DemoApp : Application() {
    val session: Session by lazy { Session(this) }
}

val Context.session: Session get() = (applicationContext as DemoApp).session
