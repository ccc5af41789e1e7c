"""Which reader a configuration asks for. Engines are started when one is asked for, never before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from configs.schema import Supervisor
from llm_layer.audit import FILE_NAME
from llm_layer.engine import Engine
from llm_layer.notices.notice import Authored
from llm_layer.reader.bag_of_words import BagOfWordsReader
from llm_layer.reader.reading import Reader, TruthReader

TRUTH, BAG_OF_WORDS, NOBODY = "truth", "bag_of_words", "none"


@contextmanager
def open_reader(
    asked: Supervisor,
    notices: Sequence[Authored],
    *,
    answers: Path | None = None,
    supervisor: Any = None,
    engine: Engine | None = None,
    folder: Path | None = None,
) -> Iterator[Reader | None]:
    """Who reads the notices of a run; None: nobody. Its engine ends with the context.

    Args:
        notices: of the run, with what they mean: only the reader ``truth`` is given that.
        answers: file of answers given before; None: every notice is put to the model.
        supervisor: the judge, whose engine serves both where model and backend are the same.
        engine: what a model is asked through, run by somebody else; None: one is opened as configured.
        folder: of a run that goes on where it was stopped: what its trail has of a model is not asked again.

    Raises:
        EngineError, ModelFolderError, ValueError: a reader that cannot work as configured.
    """
    if asked.reader == NOBODY or not notices:
        yield None
    elif asked.reader == TRUTH:
        yield TruthReader(notices)
    else:
        with reader_of(asked, answers=answers, supervisor=supervisor, engine=engine, folder=folder) as reader:
            yield reader


@contextmanager
def reader_of(
    asked: Supervisor,
    *,
    answers: Path | None = None,
    supervisor: Any = None,
    engine: Engine | None = None,
    folder: Path | None = None,
) -> Iterator[Reader]:
    """A reader of any notices: ``bag_of_words`` or a model. Arguments and errors as in ``open_reader``."""
    if asked.reader == BAG_OF_WORDS:
        yield BagOfWordsReader()
    elif asked.replay is not None:
        from llm_layer.reader.replayed import ReplayReader

        yield ReplayReader(Path(asked.replay))
    else:
        with closing(_model_reader(asked, answers, supervisor, engine)) as reader:
            yield _going_on(reader, folder)


def _going_on(model: Reader, folder: Path | None) -> Reader:
    if folder is None or not (folder / FILE_NAME).is_file():
        return model
    from llm_layer.reader.replayed import ReplayReader

    return ReplayReader(folder, otherwise=model)


def engine_asked(asked: Supervisor) -> Supervisor:
    """The configuration of the engine that a model reader asks."""
    return asked.model_copy(update={"backend": asked.reader, "model": asked.reader_model or asked.model})


def _model_reader(asked: Supervisor, answers: Path | None, supervisor: Any, engine: Engine | None) -> Reader:
    from llm_layer.answers import AnswerCache
    from llm_layer.backends import open_engine
    from llm_layer.reader.model_reader import ModelReader

    cache = None if answers is None else AnswerCache(answers)
    own = engine_asked(asked)
    shared = engine
    if shared is None and (own.backend, own.model) == (asked.backend, asked.model):
        shared = getattr(supervisor, "engine", None)
    if shared is not None:
        return ModelReader(shared, power_w=asked.power_w, cache=cache, owned=False)
    return ModelReader(open_engine(own), power_w=asked.power_w, cache=cache)
