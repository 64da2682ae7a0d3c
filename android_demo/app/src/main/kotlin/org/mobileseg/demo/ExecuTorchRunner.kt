package org.mobileseg.demo

import org.mobileseg.core.Answer
import org.mobileseg.core.Frame
import org.mobileseg.core.Manifest
import org.mobileseg.core.ModelRunner
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import java.nio.ByteBuffer

/**
 * The bundled model in ExecuTorch. Its input buffer is direct, of exactly the frame's size, and
 * used again for every frame; its answers point into the runtime's memory until the next call, so
 * they are copied at once.
 *
 * Only for the worker's thread, [close] too: a module that is destroyed while it runs takes the
 * process with it.
 *
 * @param path of a real file.
 */
class ExecuTorchRunner(path: String, private val manifest: Manifest) : ModelRunner {
    private val module: Module = Module.load(path, Module.LOAD_MODE_MMAP)
    private val pixels: ByteBuffer = Tensor.allocateByteBuffer((manifest.frame.area * 3).toInt())
    private val input: EValue = manifest.frame.let { frame ->
        val shape = longArrayOf(1, frame.height.toLong(), frame.width.toLong(), 3)
        EValue.from(Tensor.fromBlobUnsigned(pixels, shape))
    }

    override fun run(frame: Frame): Answer {
        require(frame.size == manifest.frame) {
            "a frame of ${frame.size}: expected ${manifest.frame}"
        }
        pixels.clear()
        pixels.put(frame.rgb)
        pixels.rewind()
        val outputs = module.forward(input)
        val quality = manifest.quality
        val expected = if (quality == null) 3 else 4
        check(outputs.size == expected) { "${outputs.size} outputs: expected $expected" }
        val side = manifest.side.toLong()
        val lesions = manifest.lesions.size.toLong()
        return Answer(
            probabilities = floats(outputs[0], 1, lesions, side, side),
            crop = floats(outputs[1], 1, 4),
            retina = floats(outputs[2], 1, 1).single(),
            quality = quality?.let { floats(outputs[3], 1, lesions + it.values.size) },
        )
    }

    private fun floats(output: EValue, vararg expected: Long): FloatArray {
        val tensor = output.toTensor()
        val found = tensor.shape()
        check(found.contentEquals(expected)) {
            "an output of ${found.toList()}: expected ${expected.toList()}"
        }
        return tensor.dataAsFloatArray
    }

    override fun close() = module.destroy()
}
