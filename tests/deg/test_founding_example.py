"""The founding README's usage example, as it stands there: provider ``rules``, no endpoint, other imports."""

from envs.facade import DataCentreEnv as SustainDCEnv
from llm_layer.facade import LLMOrchestrator


def test_the_founding_example_runs_its_year_of_hourly_decisions() -> None:
    # Initialize SustainDC environment
    env = SustainDCEnv(location="london", workload_file="data/google_2011.csv")

    # Initialize LLM orchestrator
    orchestrator = LLMOrchestrator(llm_provider="rules", beckn_endpoint=None)

    # Run coordination loop
    changed, total_gbp = 0, 0.0
    for step in range(8760):  # One year, hourly
        # Get agent decisions
        agent_actions = env.get_agent_proposals()

        # Get grid signals via Beckn
        grid_signals = orchestrator.fetch_grid_signals()

        # Coordinate and execute
        coordinated_actions = orchestrator.coordinate(agent_actions, grid_signals)

        # Execute in environment
        obs, reward, done, info = env.step(coordinated_actions)

        # Log audit trail
        orchestrator.log_decision(
            actions=coordinated_actions, reasoning=info["reasoning"], carbon_intensity=grid_signals["carbon"]
        )
        changed += coordinated_actions != agent_actions
        assert info["reasoning"]
        assert set(obs) == {"load_shift", "battery", "cooling"}
        total_gbp += reward
        assert done == (step == 8759)

    assert orchestrator.entries == 8760
    assert changed > 1000
    assert total_gbp < 0.0  # over a year a site pays for its power
