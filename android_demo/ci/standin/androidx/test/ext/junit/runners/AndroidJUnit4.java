package androidx.test.ext.junit.runners;

/** As androidx.test.ext:junit has it; only compiled against. */
public final class AndroidJUnit4 extends org.junit.runner.Runner {
    public AndroidJUnit4(Class<?> tests) {}

    @Override
    public native org.junit.runner.Description getDescription();

    @Override
    public native void run(org.junit.runner.notification.RunNotifier notifier);
}
