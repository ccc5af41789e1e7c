"""Arrays without reference counting, for the inner loops of kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_null_value
from numba.extending import intrinsic


@intrinsic
def unowned(typingctx: Any, array: types.Array) -> Any:
    """The same array, not owning its memory: views of it cost no atomic counting, which took a third of a step.

    Only for arrays that the caller holds on to while the kernel runs, and never for one that a kernel returns.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        value = context.make_array(array)(context, builder, args[0])
        value.meminfo = get_null_value(value.meminfo.type)
        value.parent = get_null_value(value.parent.type)
        return value._getvalue()

    return array(array), codegen
