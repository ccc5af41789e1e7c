"""A language model as a reader, over any engine: notices to prompts to answers to readings, each notice for itself.

An answer that cannot be used gets a second chance on the same words in small letters, since decoding is greedy and the
same prompt would only be answered alike. Then word counts are asked, and taken where they are all but certain: such a
reading names them as its engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from llm_layer.answers import AnswerCache, Stored, answer_key
from llm_layer.engine import SAMPLING, Answer, Engine, EngineFailure
from llm_layer.model_policy import JOULES_PER_KWH
from llm_layer.notices.notice import CANCEL, NONE, Notice
from llm_layer.reader.answer import READER_VERSION, UnusableReading, parse_reading, reading_hash, reading_prompt
from llm_layer.reader.bag_of_words import BagOfWordsReader, classifier
from llm_layer.reader.reading import Reading, judged, shortened

CHECKED = 1.0  # its form, its words and its numbers have been checked; a model's own word is no measure
SURE_BY_WORDS = 0.99  # of 1,484 readings this sure on wordings of the valid split none was wrong


class ModelReader:
    """``Reader`` over an engine. What the cache holds is not asked again.

    Args:
        power_w: power stated for the engine while it answers; its W x s are shared equally over a batch.
        cache: answers given before; None: every notice is put to the engine.
        owned: whether the engine ends with the reader; False where somebody else runs it.
    """

    def __init__(self, engine: Engine, *, power_w: float, cache: AnswerCache | None = None, owned: bool = True) -> None:
        self._engine, self._power_w, self._cache, self._owned = engine, power_w, cache, owned
        self.engine = reader_id(engine.model_id)

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        readings = self._once(notices)
        doubted = [k for k, reading in enumerate(readings) if reading.constraint is None and not reading.failed]
        if doubted:
            again = self._once([replace(notices[k], text=notices[k].text.lower()) for k in doubted])
            for k, second in zip(doubted, again, strict=True):
                readings[k] = _by_word_counts(notices[k], _after(readings[k], second), now)
        return readings

    def _once(self, notices: Sequence[Notice]) -> list[Reading]:
        """Each notice read by itself, those that the cache holds an answer to left out of what is asked."""
        prompts = [reading_prompt(notice.source, notice.text)[0] for notice in notices]
        keys = [answer_key(self.engine, self._power_w, prompt) for prompt in prompts]
        known = {} if self._cache is None else self._cache.get(keys)
        open_ = dict(zip(keys, prompts, strict=True))
        asked = {key: prompt for key, prompt in open_.items() if key not in known}
        answers = self._engine.generate(list(asked.values())) if asked else []
        fresh = dict(zip(asked, answers, strict=True))
        readings = []
        for key, notice in zip(keys, notices, strict=True):
            answer = known[key] if key in known else fresh[key]
            readings.append(self._reading(notice, answer))
            if isinstance(answer, Answer) and readings[-1].constraint is not None and self._cache is not None:
                stored = Stored(answer.text, answer.tokens_in, answer.tokens_out, self._spent_kwh(answer))
                # Where another run of the same notices was first, its answer stands, and what that took.
                readings[-1] = self._reading(notice, self._cache.put({key: stored})[key])
        return readings

    def close(self) -> None:
        """End the engine, where it is this reader's own, and what answers are kept in."""
        if self._owned:
            self._engine.close()
        if self._cache is not None:
            self._cache.close()

    def _spent_kwh(self, answer: Stored | Answer | EngineFailure) -> float:
        return answer.energy_kwh if isinstance(answer, Stored) else self._power_w * answer.busy_s / JOULES_PER_KWH

    def _reading(self, notice: Notice, answer: Stored | Answer | EngineFailure) -> Reading:
        _, cut = reading_prompt(notice.source, notice.text)
        kwh = self._spent_kwh(answer)
        nothing = Reading(notice.id, None, self.engine, cut=cut, failed=True, energy_kwh=kwh)
        if isinstance(answer, EngineFailure):
            return nothing.but(error=answer.error)
        try:
            kind, ends, words = parse_reading(answer.text, notice.text)
        except UnusableReading as error:
            return nothing.but(failed=False, error=f"unusable answer: {error}")
        if ends and _looks_like_noise(notice.text):
            doubt = f"taken for the end of {kind}, which its words do not bear out"
            return nothing.but(failed=False, error=doubt)
        return judged(notice, kind, ends, words, CHECKED, self.engine, cut, kwh)


def _after(first: Reading, second: Reading) -> Reading:
    """A doubted reading after the same model has read the same words in small letters: what asks for something is
    taken; an end or noise stays in doubt, since the first reading did not say so.
    """
    both_kwh = first.energy_kwh + second.energy_kwh
    asks = second.constraint is not None and second.constraint.bound not in (CANCEL, NONE)
    return (second if asks else first).but(energy_kwh=both_kwh)


def _by_word_counts(notice: Notice, reading: Reading, now: pd.Timestamp) -> Reading:
    """What word counts make of a notice that is still in doubt, where they are sure that it asks for something."""
    if reading.constraint is not None or reading.failed:
        return reading
    (counted,) = BagOfWordsReader().read([notice], now)
    asks = counted.constraint is not None and counted.constraint.bound not in (CANCEL, NONE)
    sure = asks and counted.confidence >= SURE_BY_WORDS
    return counted.but(energy_kwh=reading.energy_kwh) if sure else reading


def _looks_like_noise(text: str) -> bool:
    """A second opinion, by word counts. What lifts a constraint is worth two readers: it is what orders that somebody
    smuggles into a notice are most often taken for.
    """
    return classifier().classify(shortened(text)[0])[0] == "noise"


def reader_id(model_id: str) -> str:
    """Who reads: model and revision, version of the reading's form, schema, sampling; names every record of it."""
    return f"{model_id}/prompt={READER_VERSION}/schema={reading_hash()}/{SAMPLING}"
