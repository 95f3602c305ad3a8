"""Rules that no linter knows: size caps, file names, the namespace, hosts and paths, exceptions."""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("broker", "client", "common")
PYTHON_ROOTS = (*SOURCE_ROOTS, "tests", "bench", "examples")

FILE_LINES = 400
FUNCTION_LINES = 50
VAGUE_NAMES = {"utils.py", "helpers.py", "misc.py", "manager.py"}

# Put together here, so that this file does not hold what it forbids.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("registry", "npmjs", "org"),
    )
]
MACHINE_PATHS = ["/" + name + "/" for name in ("home", "root", "work", "Users")]
# A path starts where nothing that could carry it on stands before it.
FORBIDDEN_TEXT = re.compile(
    "|".join(
        [*map(re.escape, REGISTRY_HOSTS), *(rf"(?<![\w.~\-/*\]}})]){p}\w" for p in MACHINE_PATHS)]
    )
)

BARE_TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[[a-z-]+(,\s*[a-z-]+)*\])")
NOQA = re.compile(r"#\s*(?:ruff:\s*)?noqa\b(?P<rest>.*)")
NOQA_WITH_REASON = re.compile(r":\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*\s+(#|-|–|—|:)*\s*\w+")

TABLES = (ast.Dict, ast.List, ast.Tuple, ast.Set)


def made_by_tools(path: Path) -> bool:
    return any((part[0] == "." and part != ".ci") or part == "__pycache__" for part in path.parts)


def project_files() -> list[Path]:
    """Everything that is, or is about to be, in the repository; in a copy without one, everything."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    else:
        paths = (path for path in ROOT.rglob("*") if not made_by_tools(path.relative_to(ROOT)))
    return sorted({path for path in paths if path.is_file()})


def python_files() -> list[Path]:
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PYTHON_ROOTS
    ]


def at(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def no_faults(faults: Iterable[str]) -> None:
    found = list(faults)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def height(node: ast.expr | ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def table_lines(function: ast.AST) -> int:
    """What the outermost dict, list, tuple and set displays add; one with a lambda is code."""
    total = 0
    pending = list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        if isinstance(node, TABLES) and not any(isinstance(n, ast.Lambda) for n in ast.walk(node)):
            total += height(node) - 1
        else:
            pending.extend(ast.iter_child_nodes(node))
    return total


def test_a_file_stays_within_its_lines() -> None:
    no_faults(
        f"{at(path)}: {count} lines; a file has at most {FILE_LINES}: split it by noun"
        for path in python_files()
        if (count := len(lines_of(path))) > FILE_LINES
    )


def test_a_function_stays_within_its_lines() -> None:
    no_faults(
        f"{at(path, node.lineno)}: {node.name} has {count} lines beside its tables;"
        f" a function has at most {FUNCTION_LINES}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (count := height(node) - table_lines(node)) > FUNCTION_LINES
    )


def harmless_in_init(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple()):
            return True
    return False


def test_an_init_holds_no_logic() -> None:
    no_faults(
        f"{at(path, node.lineno)}: an __init__.py holds a docstring, imports and __all__ only"
        for path in python_files()
        if path.name == "__init__.py"
        for node in ast.parse(path.read_bytes()).body
        if not harmless_in_init(node)
    )


def test_a_module_is_named_for_what_it_holds() -> None:
    no_faults(
        f"{at(path)}: name the module for the noun that it holds"
        for path in python_files()
        if path.name in VAGUE_NAMES
    )


def test_hubbub_stays_a_namespace() -> None:
    no_faults(
        f"{root}/hubbub/__init__.py: would hide the other two roots; delete it"
        for root in SOURCE_ROOTS
        if (ROOT / root / "hubbub" / "__init__.py").exists()
    )


def test_each_root_ships_its_types() -> None:
    no_faults(
        f"{root}/hubbub/{root}/py.typed: is missing; type checkers would ignore our types"
        for root in SOURCE_ROOTS
        if not (ROOT / root / "hubbub" / root / "py.typed").exists()
    )


def test_no_file_names_a_registry_or_a_machine() -> None:
    no_faults(
        f"{at(path, number)}: names {match[0]!r}: no package registry's host, no path of one machine"
        for path in project_files()
        if b"\0" not in path.read_bytes()
        for number, line in enumerate(lines_of(path), 1)
        if (match := FORBIDDEN_TEXT.search(line))
    )


def test_a_type_ignore_has_its_code() -> None:
    no_faults(
        f"{at(path, number)}: a type: ignore without its code"
        for path in python_files()
        for number, comment in comments(path)
        if BARE_TYPE_IGNORE.search(comment)
    )


def test_a_noqa_has_its_code_and_reason() -> None:
    no_faults(
        f"{at(path, number)}: write `# noqa: CODE - the reason`"
        for path in python_files()
        for number, comment in comments(path)
        if (match := NOQA.search(comment)) and not NOQA_WITH_REASON.match(match["rest"])
    )


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [module, *(f"{module}.{name.name}" for name in names)]
    return []


def test_the_core_sets_up_no_logging() -> None:
    # import-linter sees external packages whole, and a plain logger is allowed.
    no_faults(
        f"{at(path, node.lineno)}: the core has no log handlers; it returns effects"
        for path in python_files()
        if path.is_relative_to(ROOT / "broker/hubbub/broker/core")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {"logging.handlers", "logging.config"} & set(imported(node))
    )
