package org.pytorch.executorch;

/** As executorch-android has it, as far as the app uses it. */
public class EValue {
    private final Tensor tensor;

    private EValue(Tensor tensor) {
        this.tensor = tensor;
    }

    public static EValue from(Tensor tensor) {
        return new EValue(tensor);
    }

    public boolean isTensor() {
        return true;
    }

    public Tensor toTensor() {
        return tensor;
    }
}
