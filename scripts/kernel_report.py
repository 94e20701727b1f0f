"""What the compiler made of the CUDA kernels: registers, memory, spills, occupancy, widths of memory accesses.

    .venv/bin/python scripts/kernel_report.py                 writes docs/kernel_report.md
    .venv/bin/python scripts/kernel_report.py --out FILE      writes FILE
    .venv/bin/python scripts/kernel_report.py --check         compares with the budget; writes only with --out
    … --kernels FOLDER --budget FILE                          instead of kernels/ and FOLDER/budget.json

Needs nvcc ($CUDACXX, on PATH or in /usr/local/cuda), no GPU; exit status 77 without it. Every FOLDER/*.cu is
compiled for sm_80, sm_90 and sm_100, each arch alone, so that `ptxas -v` and the PTX are of that arch.

The budget is an object with one entry a kernel, under the name that the report gives it:
  "topk_kernel<BFloat16>": {
    "threads": 256,                      of a block, at the launch that the entry is about
    "dynamic_shared_bytes": 66560,       of that launch
    "at": "d = 256, k = 10",             which launch that is, for the reader
    "max_registers": 96,                 a thread; a number, or one an arch: {"sm_80": 96, …}
    "min_occupancy": {"sm_90": 0.375},   likewise
    "max_stack": 0}                      bytes; 0 where it is left out
The last three are optional. Spills are never allowed. A kernel without an entry and an entry without a kernel are
errors, with --check or without; exit status 1. What is counted in PTX is instructions in the text, not executions.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-std=c++20", "-O3"]
PROCESSES = 2


@dataclasses.dataclass(frozen=True)
class Arch:
    """Limits of one SM; what has a value here is the same for these three. They and the formula are those of
    cuda_occupancy.h in CUDA's include folder, shared_bytes is from the CUDA programming guide's table of compute
    capabilities."""
    name: str
    shared_bytes: int  # the largest carve-out
    barriers: int | None  # None: they limit nothing
    registers: int = 65536  # also the most of one block
    sub_partitions: int = 4  # each holds a quarter of the registers and of the warps
    register_unit: int = 256  # registers are given to a warp in these
    registers_a_thread: int = 255
    warps: int = 64
    blocks: int = 32
    threads_a_block: int = 1024
    shared_unit: int = 128  # shared memory is given to a block in these
    shared_reserved: int = 1024  # of each block, for the system

    @property
    def shared_a_block(self) -> int:
        return self.shared_bytes - self.shared_reserved


ARCHS = [Arch("sm_80", 164 * 1024, None), Arch("sm_90", 228 * 1024, 64), Arch("sm_100", 228 * 1024, 64)]


@dataclasses.dataclass
class Kernel:
    """One kernel for one arch."""
    symbol: str
    source: str
    arch: Arch
    name: str = ""
    registers: int = 0
    barriers: int = 0
    static_shared: int = 0
    constant: int | None = None  # ptxas says so up to sm_80 only
    stack: int = 0
    spill_stores: int = 0
    spill_loads: int = 0
    max_threads: int | None = None  # __launch_bounds__
    loads: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    stores: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    copies: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    tensor: collections.Counter = dataclasses.field(default_factory=collections.Counter)


@dataclasses.dataclass
class Occupancy:
    blocks: int  # an SM
    fraction: float  # of its warps
    limits: list[str]  # the resources that allow no further block


def round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def occupancy(arch: Arch, threads: int, registers: int, shared: int, barriers: int) -> Occupancy:
    """`shared` is static and dynamic together."""
    warps = -(-threads // 32)
    blocks = {"warps": arch.warps // warps if threads <= arch.threads_a_block else 0, "blocks": arch.blocks}
    a_warp = round_up(registers * 32, arch.register_unit)
    if a_warp * round_up(warps, arch.sub_partitions) > arch.registers or registers > arch.registers_a_thread:
        blocks["registers"] = 0
    elif a_warp:
        in_partition = arch.registers // arch.sub_partitions // a_warp
        blocks["registers"] = in_partition * arch.sub_partitions // warps
    allocated = round_up(shared + arch.shared_reserved, arch.shared_unit)
    blocks["shared memory"] = arch.shared_bytes // allocated
    if barriers and arch.barriers:
        blocks["barriers"] = arch.barriers // barriers
    fewest = min(blocks.values())
    return Occupancy(fewest, fewest * warps / arch.warps, [what for what, most in blocks.items() if most == fewest])


# ptxas -v

def parse_ptxas(text: str, source: str, arch: Arch) -> dict[str, Kernel]:
    kernels: dict[str, Kernel] = {}
    kernel = None
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '([^']+)' for '([^']+)'", line):
            if match[2] != arch.name:
                sys.exit(f"{source}: expected ptxas to compile for {arch.name}, got {match[2]}")
            kernel = kernels.setdefault(match[1], Kernel(match[1], source, arch))
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            if kernel is None:  # __device__ code that no kernel of the file calls
                continue
            kernel.stack = max(kernel.stack, int(match[1]))  # functions that are called, not inlined, follow
            kernel.spill_stores += int(match[2])
            kernel.spill_loads += int(match[3])
        elif kernel is not None and (match := re.search(r"Used (\d+) registers", line)):
            kernel.registers = int(match[1])
            if match := re.search(r"used (\d+) barriers", line):
                kernel.barriers = int(match[1])
            if match := re.search(r"(\d+) bytes smem", line):
                kernel.static_shared = int(match[1])
            if match := re.search(r"(\d+) bytes cumulative stack", line):
                kernel.stack = max(kernel.stack, int(match[1]))
            banks = re.findall(r"(\d+) bytes cmem\[\d+\]", line)
            kernel.constant = sum(map(int, banks)) if banks else None
    return kernels


# PTX

def functions_of(ptx: str) -> dict[str, tuple[str, str]]:
    """name: (directives, body), of entries and functions that have one."""
    ptx = re.sub(r"//[^\n]*|/\*.*?\*/", "", ptx, flags=re.S)
    found = {}
    for head in re.finditer(r"\.(?:entry|func)\s+(?:\([^)]*\)\s*)?([\w$.]+)", ptx):
        brace = re.compile(r"[{;]").search(ptx, head.end())
        if brace is None or brace[0] == ";":
            continue  # a declaration
        depth = 0
        for end in re.compile(r"[{}]").finditer(ptx, brace.start()):
            depth += 1 if end[0] == "{" else -1
            if depth == 0:
                break
        found[head[1]] = ptx[head.end():brace.start()], ptx[brace.end():end.start()]
    return found


def access(opcode: list[str]) -> str | None:
    """Space and width of an ld or st in global memory, or in one that the compiler could not tell."""
    if any(space in opcode for space in ("shared", "local", "param", "const")):
        return None
    if any(part.startswith(("shared::", "param::")) for part in opcode):
        return None
    width = re.fullmatch(r"[busf](\d+)", opcode[-1])
    if width is None:
        return None
    lanes = next((int(part[1:]) for part in opcode if re.fullmatch(r"v[248]", part)), 1)
    space = "" if "global" in opcode or opcode[0] == "ldu" else "generic "
    return f"{space}{int(width[1]) // 8 * lanes} B"


def count_instructions(kernel: Kernel, functions: dict[str, tuple[str, str]]) -> None:
    if kernel.symbol not in functions:
        sys.exit(f"{kernel.source}: expected the PTX for {kernel.arch.name} to have {kernel.symbol}, got none")
    if match := re.search(r"\.(?:maxntid|reqntid)\s+([\d,\s]+)", functions[kernel.symbol][0]):
        kernel.max_threads = 1
        for size in match[1].split(","):
            kernel.max_threads *= int(size)
    called, waiting = set(), [kernel.symbol]
    while waiting:
        name = waiting.pop()
        if name in called or name not in functions:
            continue
        called.add(name)
        for statement in re.split(r"[;{}]\s*\n|[;]", functions[name][1]):
            match = re.match(r"\s*(?:[\w$]+:\s*)*\{?\s*(?:@!?%?[\w$]+\s+)?([a-z][\w.:]*)(.*)", statement, flags=re.S)
            if match is None:
                continue
            opcode, operands = match[1].split("."), match[2]
            if opcode[0] == "call":
                waiting += re.findall(r"[A-Za-z_$][\w$]*", operands)
            elif opcode[0] in ("ld", "ldu", "st"):
                if width := access(opcode):
                    (kernel.stores if opcode[0] == "st" else kernel.loads)[width] += 1
            elif opcode[:2] in (["wmma", "load"], ["wmma", "store"]):
                if not any(part.startswith("shared") for part in opcode):
                    space = "" if "global" in opcode else "generic "
                    (kernel.loads if opcode[1] == "load" else kernel.stores)[f"{space}wmma"] += 1
            elif opcode[:2] == ["cp", "async"]:
                if opcode[2] == "bulk":
                    if not any(part.startswith(("commit", "wait", "prefetch")) for part in opcode):
                        kernel.copies["bulk"] += 1
                elif opcode[2] in ("ca", "cg"):
                    size = re.match(r"[^,]*,[^,]*,\s*(\w+)", operands)
                    kernel.copies[f"{size[1]} B" if size else "?"] += 1
            elif opcode[0] == "mma" or opcode[:2] in (["wmma", "mma"], ["wgmma", "mma_async"], ["tcgen05", "mma"]):
                kernel.tensor["mma.sync" if opcode[0] == "mma" else ".".join(opcode[:2])] += 1


# names

def matching_open(text: str) -> int:
    """Where the parenthesis opens that ends the text."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return 0


def short_name(name: str) -> str:
    """Without return type, parameters and namespaces."""
    name = name.replace("(anonymous namespace)::", "").replace("<unnamed>::", "").removeprefix("void ")
    if name.endswith(")"):
        name = name[:matching_open(name)]
    name = re.sub(r"\(((?:\w+::)*\w+)\)(-?\d+)", r"\1(\2)", name)  # (Kind)1
    name = re.sub(r"\bint\((-?\d+)\)", r"\1", name)
    return re.sub(r"(?:[A-Za-z_]\w*::)+", "", name)


def demangle(symbols: list[str]) -> list[str]:
    tool = shutil.which("c++filt") or shutil.which("cu++filt")
    if tool is None:
        sys.exit("expected c++filt or cu++filt on PATH, got neither")
    output = subprocess.run([tool], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout
    return output.splitlines()


def named(kernels: list[Kernel]) -> list[Kernel]:
    """With their names; one that several files have, and in all of them the same, once."""
    symbols = sorted({kernel.symbol for kernel in kernels})
    full = dict(zip(symbols, demangle(symbols)))
    found: dict[tuple[str, str], Kernel] = {}
    for kernel in kernels:
        kernel.name = short_name(full[kernel.symbol])
        other = found.setdefault((kernel.name, kernel.arch.name), kernel)
        if other is kernel:
            continue
        same = dataclasses.replace(kernel, symbol=other.symbol, source=other.source)
        if full[other.symbol] != full[kernel.symbol] or same != other:
            sys.exit(f"expected one kernel {kernel.name} for {kernel.arch.name}, got two that differ: "
                     f"{full[other.symbol]} in {other.source}, {full[kernel.symbol]} in {kernel.source}")
        other.source += f", {kernel.source}"
    return list(found.values())


# compiling

def find_nvcc() -> str:
    chosen = os.environ.get("CUDACXX")
    for candidate in [chosen] if chosen else ["nvcc", "/usr/local/cuda/bin/nvcc"]:
        if found := shutil.which(candidate):
            return found
    print(f"no nvcc: CUDACXX is {chosen}, which is no program" if chosen else
          "no nvcc: not on PATH, not in /usr/local/cuda/bin, and CUDACXX is not set")
    sys.exit(77)


def nvcc_version(nvcc: str) -> str:
    output = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"\bV(\d[\d.]*)", output)
    return match[1] if match else "of unknown version"


def compile_kernels(nvcc: str, source: pathlib.Path, arch: Arch) -> list[Kernel]:
    number = arch.name.removeprefix("sm_")
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, *FLAGS, f"-I{source.parent.parent}", f"-I{ROOT}", "--ptxas-options=-v", "-cubin",
                   "-gencode", f"arch=compute_{number},code=sm_{number}", "--keep", "--keep-dir", folder,
                   "-o", f"{folder}/kernels.cubin", str(source)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{source.name}: nvcc failed for {arch.name}:\n{done.stdout}{done.stderr}".rstrip())
        ptx = list(pathlib.Path(folder).glob("*.ptx"))
        if len(ptx) != 1:
            sys.exit(f"{source.name}: expected one PTX file for {arch.name}, got {len(ptx)}")
        kernels = list(parse_ptxas(done.stdout + done.stderr, source.name, arch).values())
        functions = functions_of(ptx[0].read_text())
        for kernel in kernels:
            count_instructions(kernel, functions)
    return kernels


# budget

BUDGET_KEYS = {"threads", "dynamic_shared_bytes", "at", "max_registers", "min_occupancy", "max_stack"}


def is_number(value, kinds=(int,)) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and value >= 0


def read_budget(path: pathlib.Path) -> dict[str, dict]:
    try:
        budget = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    if not isinstance(budget, dict):
        sys.exit(f"{path}: expected an object, got {json.dumps(budget)[:60]}")
    for name, entry in budget.items():
        if not isinstance(entry, dict):
            sys.exit(f"{path}: {name}: expected an object, got {json.dumps(entry)[:60]}")
        if unknown := sorted(entry.keys() - BUDGET_KEYS):
            sys.exit(f"{path}: {name}: expected keys of {', '.join(sorted(BUDGET_KEYS))}; got {', '.join(unknown)}")
        for key in ("threads", "dynamic_shared_bytes"):
            if not is_number(entry.get(key)) or (key == "threads" and entry[key] == 0):
                sys.exit(f"{path}: {name}: {key}: expected a whole number, got {entry.get(key)}")
        if not isinstance(entry.get("at"), str):
            sys.exit(f"{path}: {name}: at: expected a text, got {entry.get('at')}")
        for key, kinds in (("max_registers", (int,)), ("min_occupancy", (int, float)), ("max_stack", (int,))):
            value = entry.get(key, 0)
            values = value if isinstance(value, dict) and key != "max_stack" else {"sm_80": value}
            if unknown := sorted(values.keys() - {arch.name for arch in ARCHS}):
                sys.exit(f"{path}: {name}: {key}: expected {', '.join(arch.name for arch in ARCHS)}; "
                         f"got {', '.join(unknown)}")
            for number in values.values():
                if not is_number(number, kinds):
                    sys.exit(f"{path}: {name}: {key}: expected a number, got {json.dumps(number)}")
    return budget


def limit_of(entry: dict, key: str, arch: Arch):
    value = entry.get(key)
    return value.get(arch.name) if isinstance(value, dict) else value


def occupancy_of(kernel: Kernel, entry: dict) -> Occupancy:
    return occupancy(kernel.arch, entry["threads"], kernel.registers,
                     kernel.static_shared + entry["dynamic_shared_bytes"], kernel.barriers)


def unmatched(kernels: list[Kernel], budget: dict[str, dict]) -> list[str]:
    names = {kernel.name: kernel.source for kernel in kernels}
    return ([f"{name} ({source}): expected an entry in the budget, got none"
             for name, source in names.items() if name not in budget] +
            [f"{name}: expected a kernel of that name for the budget's entry, got none"
             for name in budget if name not in names])


def exceeded(kernel: Kernel, entry: dict) -> list[str]:
    problems = []

    def expect(figure: str, holds: bool, expected: str, actual) -> None:
        if not holds:
            problems.append(f"{kernel.name}, {kernel.arch.name}: {figure}: expected {expected}, got {actual}")

    expect("spill stores", kernel.spill_stores == 0, "0 bytes", f"{kernel.spill_stores} bytes")
    expect("spill loads", kernel.spill_loads == 0, "0 bytes", f"{kernel.spill_loads} bytes")
    stack = entry.get("max_stack", 0)
    expect("stack frame", kernel.stack <= stack, f"at most {stack} bytes", f"{kernel.stack} bytes")
    most = limit_of(entry, "max_registers", kernel.arch)
    expect("registers", most is None or kernel.registers <= most, f"at most {most}", kernel.registers)
    bound = kernel.max_threads or kernel.arch.threads_a_block
    expect("threads a block", entry["threads"] <= bound,
           f"at most {bound}" + (" (launch bounds)" if kernel.max_threads else ""), entry["threads"])
    shared = kernel.static_shared + entry["dynamic_shared_bytes"]
    expect("shared memory a block", shared <= kernel.arch.shared_a_block,
           f"at most {kernel.arch.shared_a_block} bytes", f"{shared} bytes")
    least = limit_of(entry, "min_occupancy", kernel.arch)
    found = occupancy_of(kernel, entry)
    expect("occupancy", least is None or found.fraction >= least - 1e-9, f"at least {least}",
           f"{found.fraction:g} (limited by {', '.join(found.limits)})")
    expect("blocks an SM", found.blocks > 0, "at least 1", f"0 (limited by {', '.join(found.limits)})")
    return problems


# report

def table(header: list[str], rows: list[list]) -> list[str]:
    return [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}",
            *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)]


def counted(counter: collections.Counter) -> str:
    def order(what: str) -> tuple[bool, int]:
        width = re.search(r"(\d+) B", what)
        return what.startswith("generic"), -int(width[1]) if width else 0

    return ", ".join(f"{what}: {counter[what]}" for what in sorted(counter, key=order)) or "–"


def report(kernels: list[Kernel], budget: dict[str, dict], folder: str, version: str) -> str:
    memory, instructions = [], []
    for kernel in kernels:
        entry = budget.get(kernel.name)
        name = f"`{kernel.name}`"
        found = occupancy_of(kernel, entry) if entry else None
        memory.append([
            name, kernel.arch.name, kernel.registers, kernel.static_shared,
            entry["dynamic_shared_bytes"] if entry else "?", "–" if kernel.constant is None else kernel.constant,
            kernel.stack, kernel.spill_stores, kernel.spill_loads, entry["threads"] if entry else "?",
            found.blocks if found else "?", f"{100 * found.fraction:.4g} %" if found else "?",
            ", ".join(found.limits) if found else "?"])
        counts = [counted(counter) for counter in (kernel.loads, kernel.stores, kernel.copies, kernel.tensor)]
        if instructions and instructions[-1][0] == name and instructions[-1][2:] == counts:
            instructions[-1][1] += f", {kernel.arch.name}"
        else:
            instructions.append([name, kernel.arch.name, *counts])
    launches = [[f"`{kernel.name}`", kernel.source, budget.get(kernel.name, {}).get("at", "?")]
                for kernel in {kernel.name: kernel for kernel in kernels}.values()]
    shared = ", ".join(f"{arch.shared_bytes // 1024} KiB for {arch.name}" for arch in ARCHS)
    arch = ARCHS[0]
    return "\n".join([
        f"Made by `scripts/kernel_report.py` from `{folder}/*.cu` with nvcc {version}, `{' '.join(FLAGS)}`; "
        "not for editing.",
        "",
        "# CUDA kernels as compiled",
        "",
        "Occupancy is of the launch that the budget names:",
        "",
        *table(["kernel", "file", "launch"], launches),
        "",
        "## Registers, memory, occupancy",
        "",
        "Bytes, of a thread (stack, spills) or of a block (shared); registers are of a thread, blocks of an SM. From "
        "sm_90 on the compiler does not say what constant memory a kernel takes.",
        "",
        *table(["kernel", "arch", "registers", "static shared", "dynamic shared", "constant", "stack",
                "spill stores", "spill loads", "threads", "blocks", "occupancy", "limited by"], memory),
        "",
        f"Limits of an SM: {arch.warps} warps, {arch.blocks} blocks, {arch.registers} registers, given to a warp by "
        f"{arch.register_unit} within a quarter of the SM;",
        f"shared memory {shared}, given to a block by {arch.shared_unit} bytes with {arch.shared_reserved} more for "
        "the system, at the largest carve-out.",
        "",
        "## Memory and tensor-core instructions",
        "",
        "In the PTX's text, by bytes a thread; `generic` is an address whose space the compiler could not tell, "
        "`wmma` a matrix tile.",
        "",
        *table(["kernel", "arch", "global loads", "global stores", "async copies", "tensor core"], instructions),
        ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", type=pathlib.Path, help="folder of *.cu (kernels)")
    parser.add_argument("--budget", type=pathlib.Path, help="(FOLDER/budget.json)")
    parser.add_argument("--out", type=pathlib.Path, help="the report (docs/kernel_report.md)")
    parser.add_argument("--check", action="store_true", help="compare with the budget")
    args = parser.parse_args()
    nvcc = find_nvcc()
    folder = (args.kernels or ROOT / "kernels").resolve()
    sources = sorted(folder.glob("*.cu"))
    if not sources:
        sys.exit(f"{folder}: expected *.cu, got none")
    budget = read_budget(args.budget or folder / "budget.json")
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        running = [pool.submit(compile_kernels, nvcc, source, arch) for source in sources for arch in ARCHS]
        kernels = [kernel for compiled in running for kernel in compiled.result()]
    kernels = sorted(named(kernels), key=lambda kernel: (kernel.source, kernel.name, ARCHS.index(kernel.arch)))

    problems = unmatched(kernels, budget)
    if args.out or not args.check:
        out = args.out or ROOT / "docs" / "kernel_report.md"
        out.write_text(report(kernels, budget, folder.name, nvcc_version(nvcc)))
    if args.check:
        problems += [problem for kernel in kernels if kernel.name in budget
                     for problem in exceeded(kernel, budget[kernel.name])]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    names = {kernel.name for kernel in kernels}
    print(f"{len(names)} kernels for {', '.join(arch.name for arch in ARCHS)}"
          + (": within the budget" if args.check else f": {out}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
