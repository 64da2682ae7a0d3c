package androidx.test.platform.app;

/** As androidx.test.runner has it; only compiled against. */
public final class InstrumentationRegistry {
    public static native android.app.Instrumentation getInstrumentation();
}
