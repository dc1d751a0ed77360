"""An accelerator that is only pretended: tensors that say they are on a CUDA or an MPS device, and are computed on the CPU.

Within `pretended("cuda:0")` or `pretended("mps:0")` PyTorch behaves as if there were that device, and refuses what the
real one is known to refuse, in PyTorch's own words:

- tensors of two devices in one operation, but for scalars where elements are combined, and for indices on the CPU;
- an index that is on the device for a tensor that is not;
- a generator of another device;
- `numpy()`, and pinning what is on the device; only `.cpu()`, `.to`, `copy_`, `item` and `tolist` lead from one to the other;
- matrix products of integers;
- on MPS: 64-bit floats, adaptive pools whose sizes don't divide (`adaptive_max_pool2d` doesn't refuse them, its result is
  wrong, which is worse: pytorch issues 96056 and 190064), and operators for which this version of PyTorch has no kernel,
  as its own table tells (`native_functions.yaml`).

`torch.autocast` to half precision is pretended too. `unrepeatable` tells which operators were used for which CUDA has no
deterministic algorithm. What this can't show: how fast a device is, what runs out of memory,
kernels that give other digits than the CPU's, what is done out of order.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

Arguments = Sequence[Any]
Options = Mapping[str, Any]

MEMORY = 8 * 1024**3
"""Bytes that the device says it has."""

ADAPTIVE_POOLS = {"aten::_adaptive_avg_pool2d", "aten::adaptive_avg_pool2d", "aten::adaptive_max_pool2d"}

INDEXING = {"aten::index", "aten::_unsafe_index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}

SCALARS = {"aten::masked_fill", "aten::masked_fill_", "aten::fill", "aten::fill_", "aten::index_fill", "aten::lerp"}
"""Beside the operators that PyTorch marks as pointwise: those that take a scalar tensor of the CPU."""

PRODUCTS = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::addmv", "aten::mv", "aten::dot"}

DOUBLES = {torch.float64, torch.complex128}

MAKERS = {torch.tensor, torch.as_tensor, torch.asarray}

UNREPEATABLE = {
    "adaptive_max_pool2d_backward",
    "_adaptive_avg_pool2d_backward",
    "avg_pool3d_backward",
    "bincount",
    "cumsum",
    "_embedding_bag_per_sample_weights_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "histc",
    "max_unpool2d",
    "max_unpool3d",
    "median.dim",
    "nll_loss2d_forward",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "upsample_linear1d_backward",
    "upsample_bilinear2d_backward",
    "upsample_bicubic2d_backward",
    "upsample_trilinear3d_backward",
    "_upsample_bilinear2d_aa_backward",
    "_upsample_bicubic2d_aa_backward",
}
"""What CUDA has no deterministic algorithm for: the list of `torch.use_deterministic_algorithms`."""

_unrepeatable: set[str] = set()

HALVED = {
    torch.conv1d,
    torch.conv2d,
    torch.conv_transpose2d,
    torch.nn.functional.linear,
    torch.matmul,
    torch.Tensor.matmul,
    torch.Tensor.__matmul__,
    torch.mm,
    torch.bmm,
    torch.addmm,
    torch.einsum,
}
"""What autocast computes in half precision."""


class DeviceTensor(torch.Tensor):
    """A tensor of the pretended device; `host` has its values. To PyTorch's inside it is one of the device `meta`."""

    host: torch.Tensor
    place: torch.device

    @staticmethod
    def __new__(cls, host: torch.Tensor, where: torch.device) -> DeviceTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            host.shape,
            strides=host.stride() if host.layout is torch.strided else None,
            storage_offset=host.storage_offset() if host.layout is torch.strided else None,
            dtype=host.dtype,
            layout=host.layout,
            device=torch.device("meta"),
            requires_grad=host.requires_grad,
        )
        made.host, made.place = host, where
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Arguments = (), kwargs: Options | None = None
    ) -> Any:
        kwargs = kwargs or {}
        seen: list[torch.Tensor] = []
        _on_host((args, kwargs), seen)
        where = next(t.place for t in seen if isinstance(t, DeviceTensor))
        return _run(where, func, args, kwargs)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.place

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return self.place.type == "cuda"

    @property
    def is_mps(self) -> bool:  # type: ignore[override]
        return self.place.type == "mps"

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        return False

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"{self.host!r} on {self.place}"

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceTensor:
        copied = DeviceTensor(self.host.detach().clone(), self.place)
        copied.requires_grad_(self.requires_grad)
        return copied

    def to(self, *args: Any, **kwargs: Any) -> Any:
        device, dtype, _, layout = torch._C._nn._parse_to(*args, **_without(kwargs, "copy", "other"))
        same = (device is None or _is(device, self.place)) and (dtype is None or dtype == self.dtype)
        if same and layout is None and not kwargs.get("copy", False):
            return self
        return super().to(*args, **kwargs)

    def tolist(self) -> Any:
        return self.detach().cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(
            f"can't convert {self.place} device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy()

    def pin_memory(self, device: Any = None) -> torch.Tensor:
        raise RuntimeError(f"cannot pin 'torch.{self.place.type}.{self.dtype}' only dense CPU tensors can be pinned")

    def new_tensor(
        self,
        data: Any,
        dtype: torch.dtype | None = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> torch.Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype, device=device or self.place, requires_grad=requires_grad)


class _Generator(torch.Generator):
    """`torch.Generator` where there is a pretended device."""

    where = torch.device("cpu")

    def __new__(cls, device: Any = "cpu") -> _Generator:
        return super().__new__(cls, "cpu" if _is(device, cls.where) else device)  # type: ignore[call-arg]

    def __init__(self, device: Any = "cpu") -> None:
        self._device = self.where if _is(device, self.where) else torch.device(device)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self._device


def _is(device: Any, where: torch.device) -> bool:
    """Whether a device's name means the pretended one."""
    return device is not None and torch.device(device).type in ("meta", where.type)


def _without(options: Options, *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


# -- what one operator does


@dataclass(frozen=True)
class _Operator:
    """What its schema tells of an operator."""

    name: str
    full_name: str
    """With its overload, as PyTorch's table of kernels has it: `mm.out`."""

    composed: bool
    """Whether it is made of other operators on every device."""

    view: bool
    combines: bool
    """Whether scalars of the CPU are welcome."""

    written: tuple[tuple[int, str], ...]
    """Numbers and names of the arguments that it writes into and returns."""

    reshapes: bool
    """Whether it changes the shape of what it writes into."""

    @classmethod
    @cache
    def of(cls, func: Any) -> _Operator:
        schema, overload = func._schema, func._schema.overload_name
        plain = schema.name.removeprefix("aten::")
        returned = [r.alias_info for r in schema.returns if r.alias_info is not None]
        written = [
            (number, argument.name)
            for number, argument in enumerate(schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        return cls(
            schema.name,
            f"{plain}.{overload}" if overload else plain,
            bool(torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")),
            any(not alias.is_write for alias in returned),
            torch.Tag.pointwise in func.tags or schema.name in SCALARS,
            tuple(written) if any(alias.is_write for alias in returned) else (),
            torch.Tag.inplace_view in func.tags,
        )


def _run(where: torch.device, func: Any, args: Arguments, kwargs: Options) -> Any:
    """Run an operator on the host's tensors, once it is known that the real device would."""
    operator = _Operator.of(func)
    tensors: list[torch.Tensor] = []
    host_args, host_kwargs = _on_host(args, tensors), _on_host(dict(kwargs), tensors)
    ours = [t for t in tensors if isinstance(t, DeviceTensor)]
    target = kwargs.get("device")
    here = bool(ours) if target is None else _is(target, where)
    if len(ours) < len(tensors):
        _refuse_mixed(where, operator, args, tensors, ours)
    if here and ours:
        _refuse_integer_products(where, operator, ours)
    if here and where.type == "mps":
        _refuse_on_mps(operator, args, kwargs, tensors)
    if here and where.type == "cuda":
        _note_unrepeatable(operator, args, kwargs, tensors)
    host_kwargs.pop("pin_memory", None)
    if target is not None:
        host_kwargs["device"] = torch.device("cpu") if here else target
    found = func(*host_args, **host_kwargs)
    if not here:
        return found
    if operator.written and not operator.reshapes:
        written = [args[number] if number < len(args) else kwargs[name] for number, name in operator.written]
        return written[0] if isinstance(found, torch.Tensor) else type(found)(written)
    if operator.view and torch.is_inference_mode_enabled() and not ours[0].is_inference():
        with torch.inference_mode(False):  # a view of a tensor that autograd may see is one too
            return _wrapped(where, found)
    wrapped = _wrapped(where, found)
    if not operator.reshapes:
        return wrapped
    return return_and_correct_aliasing(func, tuple(args), dict(kwargs), wrapped)  # type: ignore[no-untyped-call]


def _on_host(value: Any, seen: list[torch.Tensor]) -> Any:
    """`value` with the host's tensors in place of the device's; `seen` gets all that were there."""
    if isinstance(value, torch.Tensor):
        seen.append(value)
        return value.host if isinstance(value, DeviceTensor) else value
    if isinstance(value, (tuple, list)):
        return type(value)([_on_host(part, seen) for part in value])
    if isinstance(value, dict):
        return {name: _on_host(part, seen) for name, part in value.items()}
    return value


def _wrapped(where: torch.device, found: Any) -> Any:
    if isinstance(found, torch.Tensor):
        if where.type == "mps" and found.dtype in DOUBLES:
            raise _no_doubles()
        return DeviceTensor(found, where)
    return type(found)([_wrapped(where, part) for part in found]) if isinstance(found, (tuple, list)) else found


def _refuse_mixed(
    where: torch.device, operator: _Operator, args: Arguments, tensors: Sequence[torch.Tensor], ours: Sequence[Any]
) -> None:
    if not ours or operator.name in ("aten::_to_copy", "aten::copy_"):
        return
    strangers = [t for t in tensors if not isinstance(t, DeviceTensor)]
    if operator.name in INDEXING:
        subject, value = args[0], args[2] if len(args) > 2 else None
        if not isinstance(subject, DeviceTensor):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        if value is None or isinstance(value, DeviceTensor) or value.dim() == 0:
            return
    elif operator.combines and all(t.dim() == 0 for t in strangers):
        subject = args[0] if operator.written else ours[0]
        if isinstance(subject, DeviceTensor):
            return
    raise RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{where} and cpu! ({operator.full_name})"
    )


def _refuse_integer_products(where: torch.device, operator: _Operator, ours: Sequence[torch.Tensor]) -> None:
    if operator.name in PRODUCTS and not (ours[0].is_floating_point() or ours[0].is_complex()):
        raise NotImplementedError(f'"{operator.full_name}_{where.type}" not implemented for {ours[0].dtype}')


def _refuse_on_mps(operator: _Operator, args: Arguments, kwargs: Options, tensors: Sequence[torch.Tensor]) -> None:
    if kwargs.get("dtype") in DOUBLES:
        raise _no_doubles()
    if operator.name in ADAPTIVE_POOLS:
        sizes = zip(tensors[0].shape[-2:], args[1], strict=True)
        if any(max(a, b) % min(a, b) for a, b in sizes):
            raise RuntimeError(
                "Adaptive pool MPS: input sizes must be divisible by output sizes. "
                "Non-divisible input sizes are not implemented on MPS device yet."
            )
    key = "SparseMPS" if any(t.layout is torch.sparse_coo for t in tensors) else "MPS"
    if not _has_kernel(operator.full_name, key):
        raise NotImplementedError(f"The operator '{operator.name}' is not currently implemented for the MPS device.")


def _note_unrepeatable(operator: _Operator, args: Arguments, kwargs: Options, tensors: Sequence[torch.Tensor]) -> None:
    name = operator.full_name
    if any(t.layout is torch.sparse_coo for t in tensors) and name in ("mm", "addmm", "_sparse_addmm", "addmm.out"):
        _unrepeatable.add("sparse product")  # cuSPARSE promises it of algorithms that PyTorch does not take
    elif name == "bincount":
        if (args[1] if len(args) > 1 else kwargs.get("weights")) is not None:
            _unrepeatable.add("bincount with weights")
    elif name in UNREPEATABLE and (name != "cumsum" or tensors[0].is_floating_point()):
        _unrepeatable.add(name)


def unrepeatable() -> set[str]:
    """What has been used within `pretended` that need not give the same on CUDA when it is done again."""
    return set(_unrepeatable)


def _no_doubles() -> TypeError:
    return TypeError(
        "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
        "Please use float32 instead."
    )


# -- PyTorch's table of kernels


@cache
def _has_kernel(operator: str, key: str) -> bool:
    """Whether an operator (`mm.out`) has a kernel for a dispatch key, or one that serves every device."""
    table = _kernels()
    if operator not in table:
        return True
    keys, delegate = table[operator]
    if key in keys or any(k.startswith("Composite") for k in keys):
        return True
    if delegate and key == "MPS":
        return _has_kernel(delegate, key)
    return not keys and not delegate


@cache
def _kernels() -> dict[str, tuple[set[str], str]]:
    """Of each operator the keys that it has kernels for, and the operator whose kernels it takes."""
    package = find_spec("torchgen")
    assert package is not None
    assert package.origin is not None
    text = (Path(package.origin).parent / "packaged/ATen/native/native_functions.yaml").read_text("utf-8")
    found = {}
    for entry in re.split(r"^- func: ", text, flags=re.MULTILINE)[1:]:
        operator = entry[: entry.index("(")]
        dispatch = re.search(r"^  dispatch:\n((?:    .*\n|\s*#.*\n)*)", entry, re.MULTILINE)
        keys = re.findall(r"^    ([\w, ]+):", dispatch[1], re.MULTILINE) if dispatch else []
        delegate = re.search(r"^  structured_delegate: (\S+)", entry, re.MULTILINE)
        found[operator] = ({k.strip() for line in keys for k in line.split(",")}, delegate[1] if delegate else "")
    return found


# -- the scope


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees what has no tensor of the device yet: the making of tensors."""

    def __init__(self, where: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.where = where

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operator imports PyTorch's compiler, which takes seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Arguments = (), kwargs: Options | None = None) -> Any:
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled() and _Operator.of(func).composed:
            with self:  # autograd, which takes such operators apart, is not there then
                return func.decompose(*args, **kwargs)
        return _run(self.where, func, args, kwargs)


class _Functions(TorchFunctionMode):
    """Sees what operators don't show: generators, tensors made of Python's data, half precision."""

    def __init__(self, where: torch.device) -> None:
        super().__init__()
        self.where = where
        self.half: torch.dtype | None = None

    def __torch_function__(self, func: Any, types: Any, args: Arguments = (), kwargs: Options | None = None) -> Any:
        kwargs = dict(kwargs or {})
        generator = kwargs.get("generator")
        if generator is not None:
            self._check(generator, args, kwargs)
        if func in MAKERS and _is(kwargs.get("device"), self.where):
            return self._made(func, args, kwargs)
        if func is torch._has_compatible_shallow_copy_type:
            return not any(isinstance(t, DeviceTensor) for t in args)  # a module's parameters are replaced by others
        if func is torch.Tensor.pin_memory:
            return args[0].clone()  # a tensor of the CPU: the device's own refuses
        if func is torch.Tensor.to:
            args, kwargs = [self._numbered(a) for a in args], {name: self._numbered(a) for name, a in kwargs.items()}
        if self.half is not None and func in HALVED:
            args, kwargs = self._halved(tuple(args)), {name: self._halved(value) for name, value in kwargs.items()}
        return func(*args, **kwargs)

    def _check(self, generator: torch.Generator, args: Arguments, kwargs: Options) -> None:
        device = kwargs.get("device")
        if device is None and args and isinstance(args[0], DeviceTensor):
            device = self.where
        expected = self.where.type if _is(device, self.where) else "cpu"
        if generator.device.type != expected:
            raise RuntimeError(f"Expected a '{expected}' device type for generator but found '{generator.device.type}'")

    def _made(self, func: Any, args: Arguments, kwargs: dict[str, Any]) -> torch.Tensor:
        if isinstance(args[0], torch.Tensor):
            moved = args[0].to(self.where, kwargs.get("dtype"))
            return moved.clone() if func is torch.tensor else moved
        wanted = kwargs.pop("requires_grad", False)
        with self:
            made: torch.Tensor = func(*args, **{**kwargs, "device": "cpu"}).clone().to(self.where)
        return made.requires_grad_(wanted)

    def _numbered(self, value: Any) -> Any:
        """A device's name with its number: PyTorch would ask the driver for it."""
        if isinstance(value, str) or (isinstance(value, torch.device) and value.index is None):
            return self.where if torch.device(value) == torch.device(self.where.type) else value
        return value

    def _halved(self, value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)([self._halved(part) for part in value])
        if isinstance(value, DeviceTensor) and value.dtype == torch.float32:
            return value.to(self.half)
        return value


class _Autocast(contextlib.ContextDecorator):
    """`torch.autocast` of the pretended device."""

    functions: _Functions
    real: Callable[..., Any]

    def __new__(cls, device_type: str, *args: Any, **kwargs: Any) -> Any:
        if not _is(device_type, cls.functions.where):
            return cls.real(device_type, *args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        device_type: str,
        dtype: torch.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.half = (dtype or torch.float16) if enabled else None
        self.before: list[torch.dtype | None] = []

    def __enter__(self) -> _Autocast:
        self.before.append(self.functions.half)
        self.functions.half = self.half
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.functions.half = self.before.pop()


@contextlib.contextmanager
def pretended(device: str) -> Iterator[torch.device]:
    """PyTorch with one device of the kind `cuda` or `mps`; everything is as before when it ends.

    Tensors that were made within stay what they are, but only other tensors of the same kind can be combined with them.
    """
    where = torch.device(torch.device(device).type, 0)
    if where.type not in ("cuda", "mps"):
        raise ValueError(f"there is no pretended device {device}")
    functions = _Functions(where)

    generator = type("Generator", (_Generator,), {"where": where})
    autocast = type("autocast", (_Autocast,), {"functions": functions, "real": torch.autocast})
    with contextlib.ExitStack() as stack:
        for owner, name, value in [
            (torch, "Generator", generator),
            (torch, "autocast", autocast),
            (torch.amp, "autocast", autocast),
            (torch.cuda, "_lazy_init", lambda: None),
            *_said_of_the_device(where),
        ]:
            stack.enter_context(mock.patch.object(owner, name, value))
        stack.callback(_unrepeatable.clear)
        stack.enter_context(functions)
        stack.enter_context(_Operators(where))
        yield where


def _said_of_the_device(where: torch.device) -> list[tuple[Any, str, Any]]:
    """What `torch.cuda` and `torch.backends.mps` then answer."""
    cuda = where.type == "cuda"
    properties = SimpleNamespace(name="Pretended device", total_memory=MEMORY, major=8, minor=0)
    return [
        (torch.cuda, "is_available", lambda: cuda),
        (torch.cuda, "device_count", lambda: int(cuda)),
        (torch.cuda, "current_device", lambda: 0),
        (torch.cuda, "get_device_properties", lambda device=None: properties),
        (torch.cuda, "get_device_name", lambda device=None: properties.name),
        (torch.cuda, "memory_allocated", lambda device=None: 0),
        (torch.cuda, "is_bf16_supported", lambda including_emulation=True: True),
        (torch.cuda, "empty_cache", lambda: None),
        (torch.cuda, "synchronize", lambda device=None: None),
        (torch.backends.mps, "is_available", lambda: not cuda),
        (torch.backends.mps, "is_built", lambda: not cuda),
        (torch.mps, "empty_cache", lambda: None),
        (torch.mps, "synchronize", lambda: None),
    ]
