"""Executes a saved Core ML program on any system: the `.mlpackage` itself, read from disk.

    package       the folder: its manifest, the program as protobuf, the weights file
    protobuf      the classes that read a program
    weights_file  the constants' own file format
    dtypes        the types of MIL and how each is held
    constants     a constant of the program -> a tensor or a word
    arguments     what an operation is given, read strictly
    ops/          the operations, a file per family, each a table of name -> row
    parser        the program -> its constants and operations
    operation     one operation of a program; op_spec: what is known of its kind
    interpreter   evaluates operation after operation
    features      pictures and arrays in and out, as Core ML describes them
    model         all of it together: open, predict
    summary, images  what `mobileseg mil` shows

Every operation is written from Apple's documentation of MIL, with torch as arithmetic; nothing of
the converter's own program in memory is used, so what is judged is the file. What the
documentation leaves open is an error here, never a guess.

It proves that the program, read as Apple documents it, is the PyTorch model. It cannot see Apple's
kernels, the Neural Engine, or what Core ML's compiler makes of the program: that takes a Mac.

Source: MIL operations, https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""
