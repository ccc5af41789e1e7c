"""Sheets say what the environments are: sizes, agents and actions as the faces have them; the page is up to date."""

from pathlib import Path

import pytest

import envs
from envs.datasheet import datasheet, markdown
from envs.registry import REGISTERED

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


@pytest.mark.parametrize("env_id", [entry.id for entry in REGISTERED])
def test_a_sheet_describes_the_environment_that_is_made(toy_case, env_id):
    sheet = datasheet(env_id)
    env = envs.parallel_env(env_id, cases=toy_case(96), episode_steps=96)
    observations, _ = env.reset(seed=0)
    assert sheet["agents"] == list(sheet["actions"]) == env.possible_agents
    assert {agent: len(names) for agent, names in sheet["observations"].items()} == {
        agent: len(vector) for agent, vector in observations.items()
    }
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    *_, infos = env.step(actions)
    assert list(infos[env.possible_agents[0]]["outputs"]) == sheet["outputs"]
    assert sheet["modelled"]
    assert sheet["not_modelled"]


def test_the_page_is_what_the_declarations_say():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: deg describe env --markdown > docs/environments.md"
