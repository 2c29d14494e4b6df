"""The kinds of arrays the demo operator is made of."""

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Figures = NDArray[np.float64]
Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Words = NDArray[np.object_]
Bytes = NDArray[np.bytes_]
