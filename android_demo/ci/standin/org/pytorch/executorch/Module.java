package org.pytorch.executorch;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * executorch-android's Module for plain Linux: the file is run by the real runtime, in a child
 * process with PyPI's executorch (runtime.py beside this folder, named by -Druntime="COMMAND ...").
 *
 * Both ways: little-endian, a count of int32 dimensions, these, then the numbers; in: uint8,
 * out: how many tensors, each float32.
 */
public class Module implements Closeable {
    public static final int LOAD_MODE_FILE = 0;
    public static final int LOAD_MODE_MMAP = 1;

    private final Process runtime;
    private final DataOutputStream to;
    private final DataInputStream from;
    private EValue[] last = {};

    private Module(String path) throws IOException {
        String command = System.getProperty("runtime");
        if (command == null) throw new IllegalStateException("-Druntime=COMMAND is missing");
        String[] words = (command + " " + path).split(" ");
        runtime = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        to = new DataOutputStream(runtime.getOutputStream());
        from = new DataInputStream(runtime.getInputStream());
    }

    public static Module load(String modelPath, int loadMode) {
        if (!new File(modelPath).isFile()) {
            throw new IllegalArgumentException("Cannot load model path: no file " + modelPath);
        }
        try {
            return new Module(modelPath);
        } catch (IOException error) {
            throw new IllegalStateException("no runtime: " + error.getMessage(), error);
        }
    }

    public EValue[] forward(EValue... inputs) {
        for (EValue spent : last) spent.toTensor().spoil();
        try {
            send(inputs[0].toTensor());
            last = new EValue[whole()];
            for (int i = 0; i < last.length; i++) last[i] = EValue.from(received());
            return last.clone();
        } catch (IOException error) {
            throw new IllegalStateException("the runtime ended: see what it said above", error);
        }
    }

    private void send(Tensor input) throws IOException {
        long[] shape = input.shape();
        ByteBuffer head = ByteBuffer.allocate(4 + 4 * shape.length).order(ByteOrder.LITTLE_ENDIAN);
        head.putInt(shape.length);
        for (long n : shape) head.putInt((int) n);
        to.write(head.array());
        to.write(input.input());
        to.flush();
    }

    private Tensor received() throws IOException {
        long[] shape = new long[whole()];
        for (int i = 0; i < shape.length; i++) shape[i] = whole();
        ByteBuffer data = bytes((int) Tensor.numel(shape) * 4);
        return Tensor.output(shape, data.asFloatBuffer());
    }

    private int whole() throws IOException {
        return bytes(4).getInt();
    }

    private ByteBuffer bytes(int count) throws IOException {
        byte[] read = new byte[count];
        from.readFully(read);
        return ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN);
    }

    public void destroy() {
        runtime.destroy();
    }

    @Override
    public void close() {
        destroy();
    }
}
