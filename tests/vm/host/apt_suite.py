"""Packages of a suite of Debian that this machine does not use; how apt is set up here stays as it is."""
import pathlib
import subprocess
import time

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN_SUITE = "bookworm"
LISTS_SECONDS = 24 * 3600


def _mirror() -> str:
    """Where this machine has Debian from; empty if apt does not say."""
    told = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
                          capture_output=True, text=True)
    found = [line.split()[0] for line in told.stdout.splitlines() if line.split()[1:] == [OWN_SUITE]]
    return found[0] if found else ""


def options(suite: str, folder: pathlib.Path) -> list[str]:
    """Options of apt-get and apt-cache that make them see that suite alone; its lists are kept in `folder` for a day.
    Where it cannot be had they see nothing."""
    state = folder / suite
    for below in ("lists/partial", "cache/archives/partial"):
        (state / below).mkdir(parents=True, exist_ok=True)
    sources = state / "sources.list"
    chosen = [f"-oDir::Etc::sourcelist={sources}", "-oDir::Etc::sourceparts=-", f"-oDir::State::lists={state / 'lists'}",
              f"-oDir::Cache={state / 'cache'}", "-oAPT::Sandbox::User=root"]
    text = f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n"
    fresh = sources.exists() and sources.read_text() == text and time.time() - sources.stat().st_mtime < LISTS_SECONDS
    if not fresh and _mirror():
        sources.write_text(text)
        if subprocess.run(["apt-get", *chosen, "update"], capture_output=True).returncode != 0:
            sources.unlink()
    return chosen
