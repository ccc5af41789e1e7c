"""One panel a signal: the action that a supervisor's directives leave of the agents', as the signal is swept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.state import AGENTS


def draw_responsiveness(found: Mapping[str, Mapping[str, Any]], title: str, path: Path) -> None:
    """found: of ``llm_layer.responsiveness.responsiveness``. Written to ``path`` in the format of its suffix."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * 3, 2.6 * 2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3, sharey=True).flat
    for axis, (name, sweep) in zip(axes, found.items(), strict=False):
        for agent in AGENTS:
            axis.plot(sweep["values"], sweep["curve"][agent], marker="o", markersize=3, label=agent.replace("_", " "))
        axis.set_title(f"{name}{': flat' if sweep['flat'] else ''}", fontsize=9)
        axis.set_xlabel(sweep["unit"], fontsize=8)
        axis.set_ylim(-1.05, 1.05)
        axis.tick_params(labelsize=8)
    figure.axes[0].set_ylabel("action", fontsize=8)
    figure.axes[0].legend(fontsize=7, frameon=False)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path)
