package org.pytorch.executorch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * As executorch-android has it, as far as the app uses it, and as strict: an input buffer has to be
 * direct, of native order and exactly as large as its shape; what an output holds is gone with the
 * next call.
 */
public class Tensor {
    private final long[] shape;
    private final ByteBuffer bytes; // uint8, or null
    private final FloatBuffer floats; // float32, or null

    private Tensor(long[] shape, ByteBuffer bytes, FloatBuffer floats) {
        this.shape = shape.clone();
        this.bytes = bytes;
        this.floats = floats;
    }

    public static ByteBuffer allocateByteBuffer(int numElements) {
        return ByteBuffer.allocateDirect(numElements).order(ByteOrder.nativeOrder());
    }

    public static Tensor fromBlobUnsigned(ByteBuffer data, long[] shape) {
        require(data.capacity() == numel(shape), "Inconsistent data capacity and shape");
        require(data.isDirect(), "Data buffer must be direct (ByteBuffer#allocateDirect)");
        require(data.order() == ByteOrder.nativeOrder(), "Data buffer must have native byte order");
        return new Tensor(shape, data, null);
    }

    public static long numel(long[] shape) {
        long product = 1;
        for (long n : shape) product *= n;
        return product;
    }

    public long[] shape() {
        return shape.clone();
    }

    public float[] getDataAsFloatArray() {
        if (floats == null) throw new IllegalStateException("not a float tensor");
        floats.rewind();
        float[] copy = new float[floats.remaining()];
        floats.get(copy);
        return copy;
    }

    static Tensor output(long[] shape, FloatBuffer floats) {
        return new Tensor(shape, null, floats);
    }

    /** From the buffer's beginning, wherever it stands: native code looks at its address. */
    byte[] input() {
        ByteBuffer all = bytes.duplicate();
        all.clear();
        byte[] copy = new byte[all.remaining()];
        all.get(copy);
        return copy;
    }

    /** The runtime's memory is used again. */
    void spoil() {
        for (int i = 0; i < floats.capacity(); i++) floats.put(i, Float.NaN);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) throw new IllegalArgumentException(otherwise);
    }
}
