"""Types of the part of Unicorn 2.1 that this project uses; the package's own do not pass a strict checker. Held against it by stubtest."""

from collections.abc import Callable
from typing import Any, TypeAlias

__version__: str

class UcError(Exception):
    errno: int
    def __init__(self, errno: int, *args: object) -> None: ...

# a hook gets the machine first, then what its kind says, and last `user_data`
_Hook: TypeAlias = Callable[..., bool | None]

class Uc:
    _uch: Any  # a ctypes pointer: for calls of the C library that the class does not wrap
    def __init__(self, arch: int, mode: int, cpu: int | None = None) -> None: ...
    def emu_start(self, begin: int, until: int, timeout: int = 0, count: int = 0) -> None: ...
    def emu_stop(self) -> None: ...
    def mem_map(self, address: int, size: int, perms: int = 7) -> None: ...
    def mem_map_ptr(self, address: int, size: int, perms: int, ptr: int) -> None: ...
    def mem_protect(self, address: int, size: int, perms: int = 7) -> None: ...
    def mem_unmap(self, address: int, size: int) -> None: ...
    def mem_read(self, address: int, size: int) -> bytearray: ...
    def mem_write(self, address: int, data: bytes) -> None: ...
    def reg_read(self, reg_id: int, aux: Any = None) -> int: ...  # scalar registers only
    def reg_write(self, reg_id: int, value: int) -> None: ...
    def hook_add(
        self, htype: int, callback: _Hook, user_data: object = None, begin: int = 1, end: int = 0, aux1: int = 0, aux2: int = 0
    ) -> int: ...
    def hook_del(self, handle: int) -> None: ...
    def ctl_set_cpu_model(self, model: int) -> None: ...
    def ctl_get_cpu_model(self) -> int: ...
    def ctl_remove_cache(self, lbound: int, ubound: int) -> None: ...
    def ctl_flush_tb(self) -> None: ...

def uc_version() -> tuple[int, int, int]: ...

UC_ARCH_ARM: int
UC_ARCH_ARM64: int
UC_ARCH_RISCV: int
UC_ERR_ARCH: int
UC_ERR_ARG: int
UC_ERR_EXCEPTION: int
UC_ERR_FETCH_PROT: int
UC_ERR_FETCH_UNALIGNED: int
UC_ERR_FETCH_UNMAPPED: int
UC_ERR_HANDLE: int
UC_ERR_HOOK: int
UC_ERR_HOOK_EXIST: int
UC_ERR_INSN_INVALID: int
UC_ERR_MAP: int
UC_ERR_MODE: int
UC_ERR_NOMEM: int
UC_ERR_OK: int
UC_ERR_OVERFLOW: int
UC_ERR_READ_PROT: int
UC_ERR_READ_UNALIGNED: int
UC_ERR_READ_UNMAPPED: int
UC_ERR_RESOURCE: int
UC_ERR_VERSION: int
UC_ERR_WRITE_PROT: int
UC_ERR_WRITE_UNALIGNED: int
UC_ERR_WRITE_UNMAPPED: int
UC_HOOK_BLOCK: int
UC_HOOK_CODE: int
UC_HOOK_EDGE_GENERATED: int
UC_HOOK_INSN: int
UC_HOOK_INSN_INVALID: int
UC_HOOK_INTR: int
UC_HOOK_MEM_FETCH: int
UC_HOOK_MEM_FETCH_INVALID: int
UC_HOOK_MEM_FETCH_PROT: int
UC_HOOK_MEM_FETCH_UNMAPPED: int
UC_HOOK_MEM_INVALID: int
UC_HOOK_MEM_PROT: int
UC_HOOK_MEM_READ: int
UC_HOOK_MEM_READ_AFTER: int
UC_HOOK_MEM_READ_INVALID: int
UC_HOOK_MEM_READ_PROT: int
UC_HOOK_MEM_READ_UNMAPPED: int
UC_HOOK_MEM_UNMAPPED: int
UC_HOOK_MEM_VALID: int
UC_HOOK_MEM_WRITE: int
UC_HOOK_MEM_WRITE_INVALID: int
UC_HOOK_MEM_WRITE_PROT: int
UC_HOOK_MEM_WRITE_UNMAPPED: int
UC_HOOK_TCG_OPCODE: int
UC_HOOK_TLB_FILL: int
UC_MEM_FETCH: int
UC_MEM_FETCH_PROT: int
UC_MEM_FETCH_UNMAPPED: int
UC_MEM_READ: int
UC_MEM_READ_AFTER: int
UC_MEM_READ_PROT: int
UC_MEM_READ_UNMAPPED: int
UC_MEM_WRITE: int
UC_MEM_WRITE_PROT: int
UC_MEM_WRITE_UNMAPPED: int
UC_MODE_ARM: int
UC_MODE_LITTLE_ENDIAN: int
UC_MODE_MCLASS: int
UC_MODE_RISCV32: int
UC_MODE_RISCV64: int
UC_MODE_THUMB: int
UC_PROT_ALL: int
UC_PROT_EXEC: int
UC_PROT_NONE: int
UC_PROT_READ: int
UC_PROT_WRITE: int
