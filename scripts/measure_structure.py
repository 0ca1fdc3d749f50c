"""How much code there is, and how it hangs together: `python -m scripts.measure_structure 0322867 HEAD`.

Prints a table with a column for each commit that is named (none: the working tree). The demo does not count, nor does
the PostgreSQL that it brings.
"""

import ast
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "monitoring"
LEFT_OUT = (f"{PACKAGE}/demo/", f"{PACKAGE}/postgres/")
MAX_FUNCTION_LINES = 25
ASGI = {"App", "Receive", "Send"}
"""Callables that a protocol prescribes: they do not wire our objects together."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Structure:
    """What one commit consists of."""

    callbacks: list[str]
    """``module:Class.name`` of every callable that an object is given or keeps, but for constants such as a metric."""
    classes: int
    long_functions: list[str]
    lines: int


def measure(sources: Mapping[str, str]) -> Structure:
    """``sources``: the text of every module, by its path."""
    trees = {path: ast.parse(text) for path, text in sorted(sources.items())}
    aliases = callable_aliases(trees)
    classes = [
        (path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    return Structure(
        callbacks=[f"{path}:{node.name}.{name}" for path, node in classes for name in callbacks(node, aliases[path])],
        classes=len(classes),
        long_functions=[f"{path}:{name}" for path, tree in trees.items() for name in long_functions(tree)],
        lines=sum(len(text.splitlines()) for text in sources.values()),
    )


def long_functions(tree: ast.AST) -> Iterator[str]:
    """Functions of more than MAX_FUNCTION_LINES lines, from ``def`` to their end."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES:
            yield node.name


def callable_aliases(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """By module the names that mean callables there: Callable, and ``Render = Callable[[int], str]`` or its import."""
    found = {path: {"Callable"} for path in trees}
    known = 0
    while known != sum(map(len, found.values())):
        known = sum(map(len, found.values()))
        for path, tree in trees.items():
            found[path] |= {*_assigned(tree, found[path]), *_imported(tree, found)} - ASGI
    return found


def _assigned(tree: ast.Module, aliases: set[str]) -> Iterator[str]:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Subscript)
            and _names(node.value.value) & aliases
        ):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _imported(tree: ast.Module, aliases: Mapping[str, set[str]]) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            there = aliases.get(f"{(node.module or '').replace('.', '/')}.py", set())
            yield from (name.name for name in node.names if name.name in there)


def callbacks(node: ast.ClassDef, aliases: set[str]) -> list[str]:
    """Parameters of the constructor and annotated attributes that are callables, each once."""
    if any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list):
        return []
    found = dict(_fields(node.body))
    for made in node.body:
        if isinstance(made, Function) and made.name == "__init__":
            arguments = [*made.args.args, *made.args.kwonlyargs]
            found |= {argument.arg: argument.annotation for argument in arguments if argument.annotation}
            found |= _fields(ast.walk(made))
    return [name for name, annotation in found.items() if _names(annotation) & aliases]


def _fields(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    return {
        ast.unparse(node.target).removeprefix("self."): node.annotation
        for node in nodes
        if isinstance(node, ast.AnnAssign)
    }


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def committed(commit: str) -> dict[str, str]:
    archive = subprocess.run(["git", "archive", commit, PACKAGE], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name: found.read().decode()
            for member in files
            if _counts(member.name) and (found := files.extractfile(member)) is not None
        }


def working_tree() -> dict[str, str]:
    return {str(path): path.read_text() for path in Path(PACKAGE).rglob("*.py") if _counts(str(path))}


def _counts(path: str) -> bool:
    return path.endswith(".py") and not path.startswith(LEFT_OUT)


def table(structures: Mapping[str, Structure]) -> str:
    rows = {
        "callbacks between objects": [len(found.callbacks) for found in structures.values()],
        "classes": [found.classes for found in structures.values()],
        f"functions over {MAX_FUNCTION_LINES} lines": [len(found.long_functions) for found in structures.values()],
        "lines": [found.lines for found in structures.values()],
    }
    head = f"| | {' | '.join(structures)} |\n| --- |{' ---: |' * len(structures)}\n"
    return head + "\n".join(
        f"| {name} | {' | '.join(f'{value:,}' for value in values)} |" for name, values in rows.items()
    )


def main(commits: list[str]) -> None:
    structures = {commit: measure(committed(commit)) for commit in commits} or {"now": measure(working_tree())}
    print(table(structures))
    *_, newest = structures.values()
    print("\nCallbacks:", *newest.callbacks, "", "Long functions:", *newest.long_functions, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
