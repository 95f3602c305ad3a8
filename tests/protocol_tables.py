"""PROTOCOL.md as data: its sections and tables."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "PROTOCOL.md"
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Table:
    """One table: the heading that it stands under, its head row, its other rows by head."""

    heading: str
    head: list[str]
    rows: list[dict[str, str]]

    def column(self, name: str) -> list[str]:
        return [plain(row[name]) for row in self.rows]

    def by(self, name: str) -> dict[str, dict[str, str]]:
        """Return the rows by the value of a column, which no two share."""
        rows = {plain(row[name]): row for row in self.rows}
        assert len(rows) == len(self.rows), f"{self.heading}: a {name} stands there twice"
        return rows


def plain(cell: str) -> str:
    """Return a cell without the marks of code."""
    return cell.strip("`")


def read_tables() -> list[Table]:
    """Return the document's tables in order."""
    tables: list[Table] = []
    heading = ""
    open_table = False
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        is_row = line.startswith("|")
        cells = [cell.strip() for cell in _CELLS.split(line)[1:-1]] if is_row else []
        if is_row and not open_table:
            tables.append(Table(heading, cells, []))
        elif is_row and set("".join(cells)) - set("-: "):
            tables[-1].rows.append(dict(zip(tables[-1].head, cells, strict=True)))
        open_table = is_row
    return tables


def table(heading: str) -> Table:
    """Return the one table under a heading."""
    (found,) = [table for table in read_tables() if table.heading == heading]
    return found
