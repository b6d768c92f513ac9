"""What bench/device.py compares with: TensorFlow Lite Micro and the kernels of CMSIS-NN 99f736a, counted in the same way
on the same emulated boards with gcc 12.2."""

# The interpreter with these kernels on the int8 models of MLPerf Tiny, -O2, Invoke alone: (model, core): instructions.
MODELS = {
    ("kws", "cortex-m4"): 7_697_841, ("resnet8", "cortex-m4"): 29_864_092,
    ("vww", "cortex-m4"): 24_101_873, ("ad", "cortex-m4"): 582_953,
    ("kws", "cortex-m55"): 1_814_273, ("resnet8", "cortex-m55"): 4_912_757,
    ("vww", "cortex-m55"): 6_558_682, ("ad", "cortex-m55"): 285_542,
}
ARENA = {"kws": 22_820, "resnet8": 54_996, "vww": 100_708, "ad": 2_580}  # as its allocator reports it
CODE = {"cortex-m4": 98_960, "cortex-m55": 85_976}  # all that is linked but the model

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33", "cortex-m7", "cortex-m55", "rv32imac")


def counts(*numbers):
    return dict(zip(CORES, numbers))


# Whole layers through arm_*_wrapper_s8, requantization included; -O2 on M4 and M55, -O3 on the others.
# (model and node that have this shape, the shape): instructions by core.
LAYERS = {
    ("kws", "conv2d_op", "convolution 10x4 stride 2, 49x10x1 to 25x5x64"):
        counts(3_014_065, 1_362_468, 1_118_167, 1_105_764, 1_120_496, 306_215, 1_818_754),
    ("kws", "depthwise_conv2d_op", "depthwise 3x3, 25x5x64"):
        counts(2_570_157, 674_333, 560_972, 593_946, 594_176, 168_691, 1_122_658),
    ("kws", "conv2d_1_op", "pointwise 25x5, 64 to 64"):
        counts(3_872_226, 1_591_901, 1_069_022, 1_064_901, 1_051_002, 202_916, 2_461_124),
    ("kws", "dense_op", "dense 64 to 12"): counts(6_022, 3_150, 2_177, 2_175, 2_179, 674, 4_657),
    ("resnet8", "conv2d_op", "convolution 3x3, 32x32, 3 to 16"):
        counts(5_188_225, 2_409_168, 2_110_074, 2_122_843, 2_151_688, 626_575, 3_087_337),
    ("resnet8", "conv2d_1_op", "convolution 3x3, 32x32, 16 to 16"):
        counts(17_837_818, 7_866_089, 5_493_131, 5_493_876, 5_505_049, 941_963, 12_662_950),
    ("resnet8", "conv2d_7_op", "convolution 3x3, 8x8, 64 to 64"):
        counts(14_941_247, 6_300_725, 4_155_743, 4_155_648, 4_156_525, 487_271, 10_621_821),
    ("ad", "Gemm_3", "dense 640 to 128"): counts(506_660, 281_367, 160_079, 160_048, 160_081, 40_164, 444_582),
    ("ad", "Gemm_7", "dense 128 to 128"): counts(111_397, 60_155, 37_185, 37_160, 37_201, 9_444, 92_321),
}
