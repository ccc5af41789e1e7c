"""LaTeX tables (booktabs) from rows of text."""

from __future__ import annotations

from collections.abc import Sequence

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "£": r"\pounds{}", "\u00a0": "~",
    "’": "'", "<": "$<$", ">": "$>$",
}  # fmt: skip


def escape(text: str) -> str:
    """Plain text as LaTeX text."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def booktabs(caption: str, label: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table environment, first column left and the others right; needs ``\\usepackage{booktabs}``."""
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{escape(caption)}}}", rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}", r"\toprule",
        f"{_row(columns)}", r"\midrule", *(_row(row) for row in rows), r"\bottomrule", r"\end{tabular}",
        r"\end{table}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"
