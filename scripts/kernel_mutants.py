"""Mutation tests of the CUDA kernels' device code: does a test fail when one protection is taken out?

    .venv/bin/python scripts/kernel_mutants.py                    every kernels/*.cuh with device code
    .venv/bin/python scripts/kernel_mutants.py --kernel NAME      kernels/NAME_kernel.cuh, or else kernels/NAME.cuh
    … --list                                                      the mutants, without compiling
    … --match TEXT                                                only those whose line or mutation has TEXT in it
    … --test FILE --source FILE…      instead of tests/kernels/NAME_cuda_test.cpp; more .cpp for the test
    … --root FOLDER                                               another checkout

Each mutant is compiled with an emulated test (SERENDIP_CUDA_ON_HOST, AddressSanitizer, UndefinedBehaviorSanitizer)
and run: NAME_kernel.cuh with tests/kernels/NAME_cuda_test.cpp, another header with every tests/kernels/*_cuda_test.cpp
that includes it, one after the other. It is killed when a test fails, a sanitizer reports, the program crashes or
hangs. One that survives is an error, exit status 1, unless kernels/equivalent_mutants.json says why it must:
  [{"file": "kernels/NAME_kernel.cuh", "text": the line, stripped, "mutation": as printed, "reason": why,
    "occurrence": which of several with that text and mutation in the file, from 1; only where there are several}]
An entry whose mutant is killed or no longer there is an error too.

The mutations, one a mutant:
  * a barrier's statement is removed: __syncthreads(), __syncwarp(), copy_async_wait…(), copy_async_commit();
  * a comparison in a loop's condition is off by one: `<` and `>` go one step too far, `<=` and `>=` stop one short;
    `==` and `!=`: true in a && chain, false in a || chain or alone;
  * in the conditions of if and ?:, in what a variable is set to and in what is returned, a comparison becomes true in
    a && chain or alone, false in a || chain (& and | are chains too); the whole becomes false, except for an if
    without else that does not guard;
  * the condition of an if that guards (continue, break, return) becomes false, whatever it is;
  * min(a, b) and max(a, b) become a, and b.
Comments, literals, preprocessor lines, constexpr's conditions and values and the lines from `// mutants: off` to
`// mutants: on` have none. A mutant that does not compile is listed, neither killed nor survived.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

FLAGS = ["-std=c++20", "-O1", "-march=x86-64-v3", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         "-DSERENDIP_CUDA_ON_HOST"]
LIBRARIES = ["-lgtest", "-lgtest_main", "-lfmt", "-pthread"]
SUFFIX = "_kernel.cuh"
EQUIVALENT = "kernels/equivalent_mutants.json"
COMPILE_SECONDS = 600  # also the most of a test without a mutation
KEPT_OUTPUT = 1 << 20  # of its begin, and of its end


@dataclasses.dataclass
class Mutant:
    file: str
    line: int
    text: str  # the line, stripped
    mutation: str
    start: int
    end: int
    replacement: str
    occurrence: int = 1  # among those of the same text and mutation
    occurrences: int = 1

    def key(self) -> tuple[str, str, str, int]:
        return self.file, self.text, self.mutation, self.occurrence

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.mutation}"


# reading C++

def blanked(source: str) -> str:
    """The source with comments, literals' contents, preprocessor lines and excused lines as spaces."""
    pattern = re.compile(r"""//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:\\\n|[^\n])*|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|"""
                         r"""(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""", re.S | re.M)

    def blank(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = pattern.sub(lambda match: f'"{blank(match)[2:]}"' if match[0][0] in "\"'" and len(match[0]) > 1
                       else blank(match), source)
    lines, kept, off = source.splitlines(keepends=True), text.splitlines(keepends=True), None
    for number, line in enumerate(lines):
        switch = re.search(r"//\s*mutants:\s*(\w+)", line)
        if switch and switch[1] == "off" and off is None:
            off = number + 1
        elif switch and switch[1] == "on" and off is not None:
            off = None
        elif switch:
            raise ValueError(f"line {number + 1}: expected `// mutants: {'off' if off is None else 'on'}`, "
                             f"got {line.strip()}")
        elif off is not None:
            kept[number] = re.sub(r"[^\n{}]", " ", kept[number])
    if off is not None:
        raise ValueError(f"line {off}: `// mutants: off` has no `// mutants: on`")
    return "".join(kept)


TOKEN = re.compile(r"[A-Za-z_]\w*|\.?\d(?:[\w.]|'(?=\w))*|<<=|>>=|<=>|->|::|&&|\|\||[=!<>+\-*/%&|^]=|<<|>>|\+\+|--|\S")
CLOSES = {")": "(", "]": "[", "}": "{"}
COMPARISONS = {"<", ">", "<=", ">=", "==", "!="}


class Code:
    """Tokens of a source, with its brackets matched. A `<` right behind a name opens template arguments: a
    comparison has spaces around it, as clang-format writes it."""

    def __init__(self, file: str, source: str):
        self.file, self.source = file, source
        self.tokens = list(TOKEN.finditer(blanked(source)))
        self.words = [token[0] for token in self.tokens]
        self.close: dict[int, int] = {}  # opening bracket: closing one
        self.open: dict[int, int] = {}
        self.match_brackets()

    def match_brackets(self) -> None:
        waiting: list[int] = []
        for at, word in enumerate(self.words):
            if word in ("(", "[", "{") or (word == "<" and self.opens_template(at)):
                waiting.append(at)
            elif word in (">", ">>") and waiting and self.words[waiting[-1]] == "<":
                for _ in word:
                    if waiting and self.words[waiting[-1]] == "<":
                        self.pair(waiting.pop(), at)
            elif word in CLOSES or word == ";":
                while waiting and self.words[waiting[-1]] == "<":  # a comparison after all
                    waiting.pop()
                if word == ";":
                    continue
                if not waiting or self.words[waiting[-1]] != CLOSES[word]:
                    raise ValueError(f"line {self.line(at)}: {word} closes nothing")
                self.pair(waiting.pop(), at)
        if waiting:
            raise ValueError(f"line {self.line(waiting[-1])}: {self.words[waiting[-1]]} is never closed")

    def pair(self, opening: int, closing: int) -> None:
        self.close[opening] = closing
        self.open[closing] = opening

    def opens_template(self, at: int) -> bool:
        before = self.words[at - 1] if at else ""
        return before == "template" or (re.match(r"[A-Za-z_]", before) is not None and before != "operator" and
                                        self.tokens[at - 1].end() == self.tokens[at].start())

    def line(self, at: int) -> int:
        return self.source.count("\n", 0, self.tokens[at].start()) + 1

    def text(self, first: int, end: int) -> str:
        """Of the tokens [first, end), on one line, as the source has it but for comments."""
        pieces, last = [], None
        for token in self.tokens[first:end]:
            if last is not None and token.start() > last:
                pieces.append(" ")
            pieces.append(self.source[token.start():token.end()])
            last = token.end()
        return "".join(pieces)

    def top_level(self, first: int, end: int) -> list[int]:
        """Tokens of [first, end) outside brackets; of a pair, the closing one."""
        found, at = [], first
        while at < end:
            at = self.close.get(at, at)
            found.append(at)
            at += 1
        return found

    def split(self, first: int, end: int, separator: str) -> list[tuple[int, int]]:
        cuts = [at for at in self.top_level(first, end) if self.words[at] == separator]
        return list(zip([first, *(cut + 1 for cut in cuts)], [*cuts, end]))

    def comparisons(self, first: int, end: int) -> list[int]:
        return [at for at in self.top_level(first, end) if self.words[at] in COMPARISONS and at not in self.open]

    def unwrapped(self, first: int, end: int) -> tuple[int, int]:
        while first < end and self.words[first] == "(" and self.close[first] == end - 1:
            first, end = first + 1, end - 1
        return first, end

    def terms(self, first: int, end: int, chain: str = "") -> list[tuple[int, int, str]]:
        """The operands of && and || that compare, with the operator that joins them ("" for none)."""
        outer = first, end
        first, end = self.unwrapped(first, end)
        words = {self.words[at] for at in self.top_level(first, end)}
        if first < end and words & {"?", ";", "{"}:
            return []
        for operator in ("||", "&&", "|", "&"):
            parts = self.split(first, end, operator)
            if len(parts) > 1 and all(begin < stop for begin, stop in parts):  # not the & of an address
                chain = {"|": "||", "&": "&&"}.get(operator, operator)
                return [term for part in parts for term in self.terms(*part, chain)]
        if first < end and self.words[first] == "!" and self.words[first + 1] == "(" and \
                self.close[first + 1] == end - 1:
            inside = self.terms(first + 1, end)
            return [(*outer, chain)] if inside and not inside[0][2] else inside
        return [(*outer, chain)] if self.comparisons(first, end) else []

    def find_mutants(self) -> list[Mutant]:
        found: dict[tuple[int, int, str], Mutant] = {}

        def add(first: int, end: int, replacement: str, mutation: str) -> None:
            start, stop = self.tokens[first].start(), self.tokens[end - 1].end()
            line = self.line(first)
            found.setdefault((start, stop, replacement), Mutant(
                self.file, line, self.source.splitlines()[line - 1].strip(), mutation, start, stop, replacement))

        def becomes(first: int, end: int, replacement: str) -> None:
            add(first, end, replacement, f"{self.text(first, end)} -> {replacement}")

        def value(first: int, end: int, whole_false: bool) -> None:
            terms = self.terms(first, end)
            for *term, chain in terms:
                becomes(*term, "false" if chain == "||" else "true")
            if terms and whole_false:
                becomes(first, end, "false")

        for at, word in enumerate(self.words):
            if word in ("?", "=", "&=", "|=", "min", "max") and self.in_constant(at):
                continue
            before = self.words[at - 1] if at else ""
            after = self.words[at + 1] if at + 1 < len(self.words) else ""
            if re.fullmatch(r"__syncthreads|__syncwarp|copy_async_wait\w*|copy_async_commit", word):
                self.barrier(at, add)
            elif word == "if" and after == "(":
                self.branch(at, becomes, value)
            elif word == "while" and after == "(":
                self.loop(at + 2, self.close[at + 1], becomes)
            elif word == "for" and after == "(":
                parts = self.split(at + 2, self.close[at + 1], ";")
                if len(parts) == 3:
                    self.loop(*parts[1], becomes)
            elif word == "?":
                value(self.start_of_condition(at), at, True)
            elif word in ("return", "=", "&=", "|="):
                value(at + 1, self.end_of_value(at + 1), True)
            elif word in ("min", "max") and before not in (".", "->"):
                self.clamp(at, add)
        mutants = sorted(found.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.replacement))
        same = collections.defaultdict(list)
        for mutant in mutants:
            same[mutant.text, mutant.mutation].append(mutant)
        for group in same.values():
            for number, mutant in enumerate(group, 1):
                mutant.occurrence, mutant.occurrences = number, len(group)
        return mutants

    def in_constant(self, at: int) -> bool:
        """Whether the statement, up to there, has constexpr or static_assert, or template arguments are open."""
        while at > 0:
            at -= 1
            if at in self.open and self.words[at] != "}":
                at = self.open[at]
            elif self.words[at] in ("constexpr", "static_assert") or (self.words[at] == "<" and at in self.close):
                return True
            elif self.words[at] in (";", "{", "}"):
                return False
        return False

    def barrier(self, at: int, add) -> None:
        first, end = at, at + 1
        while first >= 2 and self.words[first - 1] == "::":
            first -= 2
        if end < len(self.words) and self.words[end] == "<" and end in self.close:
            end = self.close[end] + 1
        before = self.words[first - 1] if first else ""
        if self.words[end] != "(" or before not in (";", "{", "}", ")", "else", ":"):
            return  # a declaration
        end = self.close[end] + 1
        if self.words[end] == ";":
            add(first, end, "", f"{self.text(first, end)} removed")

    def branch(self, at: int, becomes, value) -> None:
        closing = self.close[at + 1]
        first, end = self.split(at + 2, closing, ";")[-1]
        body = closing + 1
        guards = self.words[body + (self.words[body] == "{")] in ("continue", "break", "return")
        if self.words[body] == "{":
            behind = self.close[body] + 1
        else:
            behind = body
            while self.words[behind] != ";":
                behind = self.close.get(behind, behind) + 1
            behind += 1
        value(first, end, guards or self.words[behind] == "else")
        if guards:
            becomes(first, end, "false")

    def loop(self, first: int, end: int, becomes) -> None:
        other = {"<": "<=", ">": ">=", "<=": "<", ">=": ">"}
        for start, stop, chain in self.terms(first, end):
            inside = self.unwrapped(start, stop)
            operators = self.comparisons(*inside)
            if len(operators) == 1 and self.words[operators[0]] in other:
                operator = operators[0]
                becomes(start, stop, f"{self.source[self.tokens[start].start():self.tokens[operator].start()]}"
                                     f"{other[self.words[operator]]}"
                                     f"{self.source[self.tokens[operator].end():self.tokens[stop - 1].end()]}")
            else:
                becomes(start, stop, "true" if chain == "&&" else "false")

    def start_of_condition(self, question: int) -> int:
        at = question
        stops = {"(", "[", "{", "<", "}", ";", ",", "?", ":", "=", "return", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
                 "^=", "<<=", ">>="}
        while at > 0:
            word = self.words[at - 1]
            if word != "}" and at - 1 in self.open:
                at = self.open[at - 1]
            elif word in stops and not (word == "<" and at - 1 not in self.close):
                break
            else:
                at -= 1
        return at

    def end_of_value(self, first: int) -> int:
        at = first
        while at < len(self.words) and self.words[at] not in (";", ",", ")", "}") and \
                not (self.words[at] in (">", ">>") and at in self.open):
            at = self.close.get(at, at) + 1
        return at

    def clamp(self, at: int, add) -> None:
        first, end = at, at + 1
        if self.words[first - 1] == "::":
            first -= 2 if self.words[first - 2] == "std" else 1
        if self.words[end] == "<" and end in self.close:
            end = self.close[end] + 1
        if self.words[end] != "(":
            return
        arguments = self.split(end + 1, self.close[end], ",")
        if len(arguments) != 2:
            return
        end = self.close[end] + 1
        for argument in arguments:
            text = self.text(*argument)
            add(first, end, f"({text})", f"{self.text(first, end)} -> {text}")


# running

@dataclasses.dataclass
class Outcome:
    kind: str  # "survived", "test", "sanitizer", "crash", "hang", "does not compile"
    detail: str = ""
    seconds: float = 0.0


class Test:
    def __init__(self, root: pathlib.Path, source: pathlib.Path, more: list[pathlib.Path], timeout: float):
        self.root, self.sources, self.timeout = root, [source, *more], timeout
        self.name = source.name
        self.seconds = COMPILE_SECONDS / 4  # unmutated; not known yet
        for path in self.sources:
            if not path.is_file():
                sys.exit(f"{path}: expected the source of a test, got none")

    def command(self, folder: pathlib.Path) -> list[str]:
        """The folder is an include root before the project's."""
        return ["g++", *FLAGS, f"-I{folder}", f"-I{self.root}", f"-I{self.root / 'csrc'}", *map(str, self.sources)]

    def headers(self, folder: pathlib.Path) -> set[pathlib.Path]:
        done = subprocess.run([*self.command(folder), "-M"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.name}: expected it to compile, got:\n{done.stderr[-4000:]}")
        return {pathlib.Path(word).resolve() for word in done.stdout.replace("\\\n", " ").split()
                if word.endswith(".cuh")}

    def build(self, folder: pathlib.Path, file: str, text: str) -> Outcome | None:
        """With `text` for the header `file`. None where it compiles."""
        shadow = folder / file
        shadow.parent.mkdir(exist_ok=True)
        shadow.write_text(text)
        done = subprocess.run([*self.command(folder), "-o", str(folder / "test"), *LIBRARIES], cwd=folder,
                              capture_output=True, text=True, timeout=COMPILE_SECONDS)
        if done.returncode == 0:
            return None
        error = re.search(r"^.*?\berror: (.*)", done.stderr, flags=re.M)
        if error is None or "internal compiler error" in done.stderr or "ld returned" in done.stderr:
            raise RuntimeError(f"{self.name}: g++ failed:\n{done.stderr[-4000:]}")
        return Outcome("does not compile", error[1])

    def run(self, folder: pathlib.Path) -> Outcome:
        started, limit = time.monotonic(), max(self.timeout, 4 * self.seconds)
        environment = {"PATH": "/usr/bin:/bin", "GTEST_THROW_ON_FAILURE": "1",  # ends at the first failure
                       "GTEST_COLOR": "no", "ASAN_OPTIONS": "detect_leaks=0"}
        log = folder / "log"
        with log.open("wb") as out:
            try:
                code = subprocess.run([folder / "test"], cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                      stderr=subprocess.STDOUT, env=environment, timeout=limit).returncode
            except subprocess.TimeoutExpired:
                return Outcome("hang", f"not done after {limit:.0f} s", limit)
        with log.open("rb") as output:
            kept = output.read(KEPT_OUTPUT)
            output.seek(max(len(kept), log.stat().st_size - KEPT_OUTPUT))
            text = (kept + output.read()).decode(errors="replace")
        seconds = time.monotonic() - started
        if code == 0:
            if not re.search(r"^\[  PASSED  \] [1-9]", text, flags=re.M):
                raise RuntimeError(f"{self.name}: expected tests that pass, got\n{text[-2000:]}")
            return Outcome("survived", "", seconds)
        if found := re.search(r"ERROR: (AddressSanitizer: [\w-]+)|runtime error: ([^\n]*)", text):
            return Outcome("sanitizer", found[1] or found[2], seconds)
        if re.search(r": Failure$", text, flags=re.M):
            test = re.findall(r"^\[ RUN      \] (\S+)", text, flags=re.M)[-1:]
            thrown = re.findall(r'^C\+\+ exception with description "([^"\n]*)', text, flags=re.M)[:1]
            return Outcome("test", ": ".join(test + thrown), seconds)
        how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
        return Outcome("crash", f"{how}: {(text.strip().splitlines() or ['no output'])[-1][:100]}", seconds)

    def check_unmutated(self, header: "Header") -> None:
        """It must pass, with the header read from where a mutant's is."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name).resolve()
            if failure := self.build(folder, header.file, header.source):
                sys.exit(f"{header.file}, {self.name}: expected to compile unmutated, got: {failure.detail}")
            outcome = self.run(folder)
            if outcome.kind != "survived":
                sys.exit(f"{header.file}, {self.name}: expected to pass unmutated, got {outcome.kind}: "
                         f"{outcome.detail}\n{(folder / 'log').read_text(errors='replace')[-4000:]}")
            headers = self.headers(folder)
            if folder / header.file not in headers or (self.root / header.file).resolve() in headers:
                sys.exit(f"{self.name}: expected it to include \"{header.file}\" by that name only, got "
                         f"{', '.join(sorted(str(path) for path in headers)) or 'no such header'}")
        self.seconds = outcome.seconds
        print(f"{header.file}: {self.name} passes unmutated in {self.seconds:.1f} s", flush=True)


class Header:
    def __init__(self, path: pathlib.Path):
        self.file, self.source = f"kernels/{path.name}", path.read_text()
        self.tests: list[Test] = []
        try:
            self.mutants = Code(self.file, self.source).find_mutants()
        except ValueError as error:
            sys.exit(f"{self.file}: {error}")

    def check_unmutated(self) -> None:
        for test in self.tests:
            test.check_unmutated(self)
        self.tests.sort(key=lambda test: test.seconds)

    def try_mutant(self, mutant: Mutant) -> Outcome:
        text = self.source[:mutant.start] + mutant.replacement + self.source[mutant.end:]
        for test in self.tests:
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name).resolve()
                outcome = test.build(folder, self.file, text) or test.run(folder)
            if outcome.kind != "survived":
                break
        return outcome


def find_headers(root: pathlib.Path, args: argparse.Namespace) -> list[Header]:
    """Those that the arguments choose, with their tests."""
    paths = {path.name: path for path in sorted((root / "kernels").glob("*.cuh"))}
    if args.kernel:
        names = [name for name in (args.kernel + SUFFIX, f"{args.kernel}.cuh") if name in paths][:1]
    else:
        names = [name for name, path in paths.items() if name.endswith(SUFFIX) or "__device__" in path.read_text()]
    if not names:
        sys.exit(f"expected kernels/{args.kernel or '*'}{SUFFIX}, got {', '.join(paths) or 'no .cuh'}")

    def test_of(name: str) -> Test:
        source = args.test or root / "tests" / "kernels" / f"{name.removesuffix(SUFFIX)}_cuda_test.cpp"
        return Test(root, source, args.source, args.timeout)

    headers = [Header(paths[name]) for name in names]
    includes: list[tuple[Test, set[pathlib.Path]]] | None = None
    for name, header in zip(names, headers):
        if name.endswith(SUFFIX) or args.test:
            header.tests = [test_of(name)]
            continue
        if includes is None:
            tests = [Test(root, path, args.source, args.timeout)
                     for path in sorted((root / "tests" / "kernels").glob("*_cuda_test.cpp"))]
            includes = [(test, test.headers(root)) for test in tests]
        header.tests = [test for test, seen in includes if paths[name].resolve() in seen]
        if not header.tests:
            sys.exit(f"{header.file}: expected an emulated test that includes it, got none")
    return headers


# the list of equivalent ones

def read_equivalent(root: pathlib.Path) -> list[dict]:
    path = root / EQUIVALENT
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text())
    except ValueError as error:
        sys.exit(f"{EQUIVALENT}: {error}")
    if not isinstance(entries, list):
        sys.exit(f"{EQUIVALENT}: expected a list, got {json.dumps(entries)[:60]}")
    for entry in entries:
        keys = {"file", "text", "mutation", "reason"}
        if not isinstance(entry, dict) or entry.keys() - {"occurrence"} != keys or \
                not all(isinstance(entry[key], str) and entry[key] for key in keys):
            sys.exit(f"{EQUIVALENT}: expected texts file, text, mutation, reason and perhaps a number occurrence, got "
                     f"{json.dumps(entry)}")
        if not isinstance(entry.get("occurrence", 1), int):
            sys.exit(f"{EQUIVALENT}: occurrence: expected a whole number, got {json.dumps(entry)}")
    return entries


def describe(entry: dict) -> str:
    number = f", occurrence {entry['occurrence']}" if "occurrence" in entry else ""
    return f"{entry['file']}: {entry['mutation']}, on the line {entry['text']}{number}"


def match_equivalent(entries: list[dict], headers: list[Header]) -> tuple[dict[tuple, dict], list[str]]:
    """key of a mutant: its entry; and what is wrong with the entries."""
    mutants = {mutant.key(): mutant for header in headers for mutant in header.mutants}
    matched: dict[tuple, dict] = {}
    problems = []
    for entry in entries:
        key = entry["file"], entry["text"], entry["mutation"], entry.get("occurrence", 1)
        mutant = mutants.get(key)
        if mutant is None:
            problems.append(f"{describe(entry)}: expected a mutant for this entry of {EQUIVALENT}, got none")
        elif "occurrence" not in entry and mutant.occurrences > 1:
            problems.append(f"{describe(entry)}: expected an occurrence from 1 to {mutant.occurrences} in this entry "
                            f"of {EQUIVALENT}, got none")
        elif key in matched:
            problems.append(f"{describe(entry)}: expected one entry in {EQUIVALENT}, got two")
        else:
            matched[key] = entry
    return matched, problems


class Progress:
    def __init__(self, total: int):
        self.total, self.done, self.width = total, 0, 0
        self.terminal = sys.stdout.isatty()
        self.lock = threading.Lock()

    def report(self, mutant: Mutant, outcome: Outcome, kept: bool) -> None:
        with self.lock:
            self.done += 1
            line = f"[{self.done}/{self.total}] {mutant}: {outcome.kind}"
            if outcome.detail:
                line += f" ({outcome.detail})"
            if not self.terminal:
                print(line, flush=True)
                return
            end = "\n" if kept else "\r"
            print(line[:118].ljust(self.width), end=end, flush=True)
            self.width = 0 if kept else min(len(line), 118)

    def finish(self) -> None:
        if self.terminal:
            print(" " * self.width, end="\r")


def run_all(chosen: list[tuple[Header, Mutant]], jobs: int) -> list[tuple[Mutant, Outcome]]:
    for header in {header.file: header for header, _ in chosen}.values():
        header.check_unmutated()
    progress = Progress(len(chosen))

    def attempt(pair: tuple[Header, Mutant]) -> tuple[Mutant, Outcome]:
        header, mutant = pair
        outcome = header.try_mutant(mutant)
        progress.report(mutant, outcome, outcome.kind in ("survived", "does not compile"))
        return mutant, outcome

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(attempt, pair) for pair in chosen]
        try:
            results = [future.result() for future in running]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    progress.finish()
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", metavar="NAME", help="only kernels/NAME_kernel.cuh, or else kernels/NAME.cuh")
    parser.add_argument("--test", type=pathlib.Path, metavar="FILE", help="the test; needs --kernel")
    parser.add_argument("--source", type=pathlib.Path, metavar="FILE", action="append", default=[],
                        help="one more .cpp for the test")
    parser.add_argument("--match", metavar="TEXT", help="only mutants whose line or mutation contains this")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (2)")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS",
                        help="of one run (120), or four times the unmutated test's where that is longer")
    parser.add_argument("--list", action="store_true", help="list the mutants and stop")
    parser.add_argument("--root", type=pathlib.Path, metavar="FOLDER",
                        default=pathlib.Path(__file__).resolve().parent.parent, help="of the checkout (this one)")
    args = parser.parse_args()
    if args.test and not args.kernel:
        parser.error("--test: expected --kernel with it")
    args.test = args.test and args.test.resolve()
    args.source = [source.resolve() for source in args.source]
    root = args.root.resolve()
    headers = find_headers(root, args)
    chosen = [(header, mutant) for header in headers for mutant in header.mutants
              if args.match is None or args.match in mutant.text or args.match in mutant.mutation]
    if args.list:
        for _, mutant in chosen:
            print(mutant)
        print(f"{len(chosen)} mutants")
        return 0

    selected = {header.file for header in headers}
    entries = [entry for entry in read_equivalent(root)
               if entry["file"] in selected or not args.kernel or not (root / entry["file"]).is_file()]
    equivalent, problems = match_equivalent(entries, headers)
    started = time.monotonic()
    try:
        results = run_all(chosen, args.jobs)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        sys.exit(str(error))

    count = collections.Counter(outcome.kind for _, outcome in results)
    for mutant, outcome in results:
        entry = equivalent.get(mutant.key())
        if outcome.kind == "does not compile":
            print(f"{mutant}: does not compile: {outcome.detail}")
        if outcome.kind == "survived" and entry:
            count["equivalent"] += 1
            count["survived"] -= 1
        elif outcome.kind == "survived":
            number = {"occurrence": mutant.occurrence} if mutant.occurrences > 1 else {}
            entry = {"file": mutant.file, "text": mutant.text, "mutation": mutant.mutation} | number
            problems.append(f"{mutant}: expected a test to fail, got none; {json.dumps(entry, ensure_ascii=False)}")
        elif entry:
            problems.append(f"{describe(entry)}: expected this mutant of {EQUIVALENT} to survive, got {outcome.kind}: "
                            f"{outcome.detail}")
    killed = {kind: count[kind] for kind in ("test", "sanitizer", "crash", "hang") if count[kind] or kind != "crash"}
    print(f"{len(results)} mutants: killed {sum(killed.values())} "
          f"({', '.join(f'{kind} {number}' for kind, number in killed.items())}), equivalent {count['equivalent']}, "
          f"survived {count['survived']}, do not compile {count['does not compile']}; "
          f"{time.monotonic() - started:.0f} s")
    sys.stdout.flush()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
