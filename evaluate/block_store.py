"""Finished blocks on disk, by their hash; a block is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evaluate.atomic import write_parquet
from evaluate.block import Block
from evaluate.orders import no_orders
from evaluate.sales import no_sales

ROWS, SALES, ORDERS = "", "sales", "orders"


class BlockStore:
    """A folder of blocks; may be shared between matrices and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in (ROWS, SALES, ORDERS):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def __contains__(self, key: str) -> bool:
        return self._path(key, ROWS).is_file()

    def put(self, key: str, block: Block) -> None:
        """Rows come last: with them the block is there. Where nobody sold or ordered no file says so."""
        for part, frame in ((SALES, block.sales), (ORDERS, block.orders)):
            if len(frame):
                write_parquet(self._path(key, part), frame)
        write_parquet(self._path(key, ROWS), block.rows)

    def get(self, key: str) -> Block:
        """A block that is there."""
        return Block(self.rows(key), self.sales(key), self.orders(key))

    def rows(self, key: str) -> pd.DataFrame:
        return pd.read_parquet(self._path(key, ROWS))

    def sales(self, key: str) -> pd.DataFrame:
        path = self._path(key, SALES)
        return pd.read_parquet(path) if path.is_file() else no_sales()

    def orders(self, key: str) -> pd.DataFrame:
        path = self._path(key, ORDERS)
        return pd.read_parquet(path) if path.is_file() else no_orders()

    def _path(self, key: str, part: str) -> Path:
        return self.folder / part / f"{key}.parquet"
