"""A small mixed-integer programme, built in vectorised blocks and handed to HiGHS as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from highspy._core import _Highs  # the shell above it, highspy.Highs, prints a banner that would break --json
from scipy.sparse import coo_matrix

Values = float | np.ndarray
Term = tuple[np.ndarray, Values]  # columns (n,) and their coefficients, one entry a row
Entry = tuple[np.ndarray, np.ndarray, Values]  # rows within a block, columns, coefficients, (m,) each

INFINITY = highspy.kHighsInf


class SolverError(RuntimeError):
    """HiGHS ended without a plan: the message says with which status and after how long."""


@dataclass(frozen=True)
class Solution:
    """What HiGHS found.

    x              float64 (columns,), None where there is no plan
    dual_bound     no plan costs less
    gap            (objective - dual bound) / |objective|; 0 for a continuous programme
    status         optimal | time_limit | infeasible
    basis          of a continuous programme: where the search for one like it may begin
    """

    x: np.ndarray | None
    objective: float
    dual_bound: float
    gap: float
    status: str
    basis: highspy.HighsBasis | None = None


class Program:
    """min cost x, subject to bounds on columns and rows; some columns integer."""

    def __init__(self) -> None:
        self._lower: list[np.ndarray] = []
        self._upper: list[np.ndarray] = []
        self._cost: list[np.ndarray] = []
        self._integer: list[np.ndarray] = []
        self._row_lower: list[np.ndarray] = []
        self._row_upper: list[np.ndarray] = []
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.columns = 0
        self.rows = 0
        self.constant = 0.0

    def add_columns(
        self, count: int, lower: Values = 0.0, upper: Values = INFINITY, cost: Values = 0.0, *, integer: bool = False
    ) -> np.ndarray:
        """int64 (count,): the numbers of the new columns. Bounds and costs are scalars or (count,)."""
        for store, values in ((self._lower, lower), (self._upper, upper), (self._cost, cost)):
            store.append(np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), (count,))))
        self._integer.append(np.full(count, integer))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def add_rows(self, lower: Values, upper: Values, *terms: Term) -> np.ndarray:
        """int64 (n,): n new rows, row i holding the i-th column of every term. -> their numbers."""
        count = len(terms[0][0])
        at = np.arange(self.rows, self.rows + count)
        for columns, coefficients in terms:
            self._entries.append((at, columns, np.broadcast_to(np.asarray(coefficients, np.float64), (count,))))
        return self._close_rows(lower, upper, count)

    def add_sparse(self, lower: Values, upper: Values, count: int, *entries: Entry) -> None:
        """``count`` new rows, made of entries; entries of one row and column add up."""
        for rows, columns, coefficients in entries:
            values = np.broadcast_to(np.asarray(coefficients, np.float64), (len(rows),))
            self._entries.append((self.rows + rows, columns, values))
        self._close_rows(lower, upper, count)

    def add_sum(self, lower: float, upper: float, *terms: Term) -> int:
        """One row over all columns of all terms. -> its number."""
        for columns, coefficients in terms:
            at = np.full(len(columns), self.rows)
            self._entries.append((at, columns, np.broadcast_to(np.asarray(coefficients, np.float64), (len(columns),))))
        return int(self._close_rows(lower, upper, 1)[0])

    def add_cost(self, columns: np.ndarray, cost: Values) -> None:
        """Add to the cost of columns that exist; none may be named twice."""
        self._joined_cost()[columns] += cost

    def solve(
        self,
        *,
        time_limit_s: float = INFINITY,
        gap: float = 0.0,
        start: np.ndarray | None = None,
        basis: highspy.HighsBasis | None = None,
    ) -> Solution:
        """Minimise.

        ``start``: values of the first columns of a plan known to be possible, the later columns being 0; returned where
        time is up before another is found.
        ``basis``: of a continuous programme solved before; used where it has this one's columns and rows.

        Raises:
            SolverError: no plan within the time limit, or an end HiGHS cannot explain (unbounded, numerical).
        """
        highs = _Highs()
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("time_limit", float(time_limit_s)),
            ("mip_rel_gap", gap),
            # Weeks have few choices of yes or no and large continuous parts: these two searches solve such a part again
            # and again, and find nothing that branching does not.
            ("mip_heuristic_run_rins", False),
            ("mip_heuristic_run_rens", False),
        ):
            highs.setOptionValue(option, value)
        highs.passModel(self._lp())
        if start is not None:
            integers = self.integers()
            values = np.round(np.concatenate([start, np.zeros(self.columns - len(start))])[integers])
            highs.setSolution(len(integers), integers.astype(np.int32), values)
        if basis is not None and (len(basis.col_status), len(basis.row_status)) == (self.columns, self.rows):
            highs.setOptionValue("presolve", "off")  # it would begin anew
            highs.setBasis(basis)
        highs.run()
        if start is not None and _without_plan(highs):
            return self._begun(highs, np.concatenate([start, np.zeros(self.columns - len(start))]))
        return _solution(highs, any(block.any() for block in self._integer))

    def _begun(self, highs: _Highs, x: np.ndarray) -> Solution:
        """Where the time limit came before any plan but the one that was given, which may be all there is."""
        cost = float(self._joined_cost() @ x) + self.constant
        bound = float(highs.getInfo().mip_dual_bound)
        return Solution(x, cost, bound, (cost - bound) / max(abs(cost), 1e-9), "time_limit")

    def fix(self, columns: np.ndarray, values: np.ndarray) -> None:
        """Let columns take these values only."""
        for store in (self._lower, self._upper):
            joined = np.concatenate(store)
            joined[columns] = values
            store[:] = [joined]

    def integers(self) -> np.ndarray:
        """int64: the numbers of the integer columns."""
        return np.flatnonzero(np.concatenate(self._integer))

    def with_row_upper(self, rows: np.ndarray, upper: float) -> None:
        """Replace the upper bound of rows (to find which limit makes a programme infeasible)."""
        joined = np.concatenate(self._row_upper)
        joined[rows] = upper
        self._row_upper = [joined]

    def _close_rows(self, lower: Values, upper: Values, count: int) -> np.ndarray:
        for store, values in ((self._row_lower, lower), (self._row_upper, upper)):
            store.append(np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), (count,))))
        self.rows += count
        return np.arange(self.rows - count, self.rows)

    def _joined_cost(self) -> np.ndarray:
        self._cost = [np.concatenate(self._cost)]
        return self._cost[0]

    def _lp(self) -> highspy.HighsLp:
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_, lp.offset_ = self.columns, self.rows, self.constant
        lp.col_cost_ = self._joined_cost()
        lp.col_lower_, lp.col_upper_ = np.concatenate(self._lower), np.concatenate(self._upper)
        lp.row_lower_, lp.row_upper_ = np.concatenate(self._row_lower), np.concatenate(self._row_upper)
        at, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = coo_matrix((values, (at, columns)), shape=(self.rows, self.columns)).tocsc()
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        integer = np.concatenate(self._integer)
        if integer.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(flag)] for flag in integer]
        return lp


def _without_plan(highs: _Highs) -> bool:
    return highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit and not highs.getSolution().value_valid


def _solution(highs: _Highs, is_mip: bool) -> Solution:
    model_status = highs.getModelStatus()
    info = highs.getInfo()
    if model_status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Solution(None, np.inf, np.inf, 0.0, "infeasible")
    names = {highspy.HighsModelStatus.kOptimal: "optimal", highspy.HighsModelStatus.kTimeLimit: "time_limit"}
    status = names.get(model_status)
    if status is None or not np.isfinite(info.objective_function_value) or not highs.getSolution().value_valid:
        raise SolverError(
            f"HiGHS ended as {highs.modelStatusToString(model_status)} after {highs.getRunTime():.1f} s "
            "without a plan; give it more time"
        )
    if not is_mip and status == "time_limit":
        raise SolverError(f"HiGHS had no proven plan after {highs.getRunTime():.1f} s; give it more time")
    x = np.array(highs.getSolution().col_value)
    bound = info.mip_dual_bound if is_mip else info.objective_function_value
    gap = info.mip_gap if is_mip else 0.0
    return Solution(x, info.objective_function_value, bound, gap, status, None if is_mip else highs.getBasis())
