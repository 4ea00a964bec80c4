"""One run: light to load, failures on one line or as JSON, options before or after the command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.cli import main
from ocean_lib.cli.app import _SECTIONS, app
from ocean_lib.exceptions import StartUncertain
from ocean_lib.ocean.ocean_compute import OceanCompute

ADDRESS = "0x" + "12" * 20
DID = "did:op:" + "12" * 20
NOBODY = "http://127.0.0.1:9"
UNKNOWN = str(Path(__file__).parents[3] / "LICENSE")
TX = "0x" + "34" * 32
START = ["start", DID, "--order", TX, "--service", "1"]
RAW = ["--code", __file__, "--image", "python", "--tag", "3.11", "--entrypoint", "python3 $ALGO"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG_FILE", "OCEAN_JOB_FILE", "OCEAN_KEYSTORE", "PROVIDER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", "0x" + "4c" * 32)


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys\nfrom ocean_lib.cli import main\n"
        "assert main(['--version']) == 0 and main(['wait', '--help']) == 0\n"
        "heavy = {'web3', 'eth_account', 'requests', 'tqdm', 'yaml', 'flask', 'eth'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print([name for name in sys.modules if name.startswith('ocean_lib.localnet')])\n"
    )
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert shown.startswith("ocean-compute ")
    assert shown.splitlines()[-2:] == ["[]", "[]"]


def test_help_tells_the_story_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    story = ("localnet", "wallet", "publish", "order", "check", "start", "wait", "download")
    places = [shown.index(f"\n  {name} ") for name in story]
    assert places == sorted(places)
    assert max(map(len, shown.splitlines())) <= 80


def test_every_command_is_in_the_help_and_explains_itself() -> None:
    listed = [command for commands in _SECTIONS.values() for command in commands]

    assert {command.name for command in listed} == set(app.commands)
    assert all(command.help and command.short_help for command in listed)


def test_without_arguments_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    assert "First steps:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fly"], 2, "No such command"),
        (["wait"], 2, "Say which job"),
        (["jobs"], 2, "No config"),
        (["--config", "gone.ini", "jobs"], 2, "Cannot read the config file"),
        (["jobs", "--provider", "nonsense"], 2, "'--provider': it must be an absolute http(s)"),
        (["start", DID], 2, "--algorithm DID or --code FILE"),
        (["start", DID, "--code", UNKNOWN], 2, "No image and entry point are known for"),
        (["order", "did:op:1", "--metadata-cache", NOBODY], 2, "'DID': it must be 'did:op:'"),
        (["order", DID, "--metadata-cache", NOBODY], 6, "no connection"),
        (["wait", "--job-file", "gone.json"], 7, "There is no job file gone.json"),
        (["wait", "a", "--job-file", "b"], 2, "not both"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_a_failure_is_one_line_on_stderr_or_json_on_stdout(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert shown.err.startswith("Error: ")
    assert shown.err.count("\n") == 1

    assert main([*arguments, "--json"]) == code
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert shown.err == ""
    assert set(error) == {"type", "reason", "exit_code", "message"}
    assert error["exit_code"] == code
    assert said in error["message"]


_KEY = "0x" + "5d" * 32


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["order", "x"], "DID"),
        (["mint", "x", "--to", ADDRESS], "DID"),
        (["mint", DID, "--to", "x"], "--to"),
        (["start", "x", "--algorithm", DID], "[DATASET]..."),
        (["start", DID, "--algorithm", "x"], "--algorithm"),
        (["start", DID, "--algorithm", DID, "--order", DID], "--order"),
        (["check", DID, "--algorithm", DID, "--algorithm-order", "x"], "--algorithm-order"),
        (["check", DID, "--algorithm", DID, "--address", "x"], "--address"),
        (["jobs", "--did", ""], "--did"),
        (["jobs", "--order", "x"], "--order"),
        (["jobs", "--address", ""], "--address"),
        *((["jobs", option, ""], option) for option in ("--network", "--metadata-cache")),
        *((["jobs", option, ""], option) for option in ("--config", "--keystore")),
        (["jobs", "--password-file", ""], "--password-file"),
        (["jobs", "--network", "x"], "--network"),
        (["jobs", "--metadata-cache", "x"], "--metadata-cache"),
        (["wait", "a", "--did", ""], "--did"),
        (["wait", "a", "--timeout", "nan"], "--timeout"),
        (["wait", "a", "--timeout", "-1"], "--timeout"),
        (["wait", "a", "--poll-interval", "0"], "--poll-interval"),
        (["wait", "a", "--poll-interval", "inf"], "--poll-interval"),
        (["start", DID, "--algorithm", DID, "--order", f"{_KEY}00"], "--order"),
        (["stop", "a\nb"], "[JOB_ID]"),
        (["trust", "add", "x", DID], "DATASET"),
        (["trust", "refresh", DID, "x"], "[ALGORITHM]"),
        (["wallet", "show", "x"], "[DID]..."),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_what_cannot_be_used_is_named_as_it_was_typed_before_anybody_is_asked(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--provider", NOBODY]

    assert main([*arguments, *options]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"Error: Invalid value for '{named}': it ")
    assert shown.count("\n") == 1
    assert _KEY[2:] not in shown
    assert not re.search("[a-z]_[a-z]|32 bytes|None", shown)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--algorithm-order", TX], "--algorithm-order can only go with a published algorithm"),
        (["--entrypoint", " "], "'--entrypoint': it is blank"),
        (["--image", "python:3.8"], "--image python:3.8 has a tag already: leave --tag out"),
    ],
)
def test_an_option_that_would_count_for_nothing_is_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*START, *RAW, *options, "--provider", NOBODY]) == 2
    assert said in capsys.readouterr().err

    assert main([*START, "--algorithm", DID, "--tag", "3", "--provider", NOBODY]) == 2
    assert "--tag can only go with code of your own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--entrypoint", "python3 "], "'python3 ' does not name the algorithm"),
        (["--entrypoint", "python3 ${ALGO}"], "does not name the algorithm"),
        (["--image", "Python"], "is not one that can be pulled"),
    ],
)
def test_code_that_no_back_end_would_run_is_not_started(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*START, *RAW, *options, "--provider", NOBODY]) == 2

    assert said in capsys.readouterr().err


@pytest.mark.parametrize("amount", ["0", "0.0", "-1", "nan", "inf", "1e999", "", " ", "x", "1e-19"])
def test_nothing_is_minted_where_nothing_can_be(
    amount: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["mint", DID, "--to", ADDRESS, f"--amount={amount}", "--network", NOBODY]

    assert main(asked) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Error: Invalid value for '--amount': ")
    assert "decimal." not in shown


def _failing_start(error: BaseException) -> Any:
    def submit(*_: object, **__: object) -> None:
        raise error

    return submit


def test_a_lost_answer_to_start_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(OceanCompute, "submit_plan", _failing_start(StartUncertain("Maybe.")))

    assert main([*START, *RAW, "--provider", NOBODY]) == 8
    assert capsys.readouterr().err == "Error: Maybe.\n"


def test_an_interrupted_start_says_that_the_job_may_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(OceanCompute, "submit_plan", _failing_start(KeyboardInterrupt()))

    assert main([*START, *RAW, "--provider", NOBODY]) == 130
    assert capsys.readouterr().err == (
        f"Interrupted. The job may have started: `ocean-compute jobs --provider {NOBODY}` tells.\n"
    )


def test_a_programming_error_shows_its_traceback_only_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(OceanCompute, "submit_plan", _failing_start(RuntimeError("oh\nno")))
    arguments = [*START, *RAW, "--provider", NOBODY]

    assert main(arguments) == 1
    assert capsys.readouterr().err == "Error: RuntimeError: oh no. --debug shows where.\n"
    assert main(["--debug", *arguments]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_options_stand_before_or_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    after = main(["order", DID, "--metadata-cache", NOBODY, "--json"])
    first = capsys.readouterr().out
    before = main(["--json", "--metadata-cache", NOBODY, "order", DID])

    assert after == before == 6
    assert capsys.readouterr().out == first


@pytest.mark.parametrize("place", [0, 1, 2])
def test_options_stand_before_or_after_a_group_and_its_command(
    place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["wallet", "show"]
    words[place:place] = ["--json", "--provider", NOBODY]

    assert main(words) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"address", "tokens"}


def test_options_stand_before_a_command_of_trust(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--json", "--metadata-cache", NOBODY, "explain", DID, "did:op:" + "34" * 20]

    assert main(["trust", *asked]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "unreachable"


def test_an_option_counts_more_than_the_environment_and_that_more_than_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocean_lib.cli.session import Session

    (tmp_path / "c.ini").write_text("[resources]\nprovider.url = http://file\n")
    monkeypatch.setenv("CONFIG_FILE", str(tmp_path / "c.ini"))
    assert Session().config.provider_url == "http://file"
    monkeypatch.setenv("PROVIDER_URL", "http://environment")
    assert Session().config.provider_url == "http://environment"
    session = Session()
    session.provider = "http://option/100%25"
    assert session.config.provider_url == "http://option/100%25"


def test_a_typed_job_counts_more_than_a_job_file_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCEAN_JOB_FILE", "gone.json")

    assert main(["wait"]) == 7
    assert main(["status", "a1", "--did", DID, "--metadata-cache", NOBODY]) == 6


@pytest.mark.parametrize("content", ["[]", "{", '{"did": 1}'])
def test_a_job_file_that_is_none_is_bad_usage(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.json").write_text(content)
    options = ["--job-file", str(tmp_path / "job.json"), "--provider", NOBODY]

    assert main(["status", *options]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_OCEAN_COMPUTE_COMPLETE" in capsys.readouterr().out


def test_tab_completes_commands() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "ocean_lib.cli"],
        env={
            **os.environ,
            "_OCEAN_COMPUTE_COMPLETE": "bash_complete",
            "COMP_WORDS": "ocean-compute dow",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert completed == "plain,download\n"


def test_without_click_there_is_a_clear_message() -> None:
    code = (
        "import sys\nsys.modules['click'] = None\n"
        "from ocean_lib.cli import main\nsys.exit(main(['--help']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr == "Error: ocean-compute needs click. Install it: pip install click\n"


def test_a_wait_without_an_answer_does_not_say_that_the_job_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = ["--provider", NOBODY, "--metadata-cache", NOBODY, "--address", ADDRESS]

    job_id = "a" * 32

    assert main(["wait", job_id, "--did", DID, "--timeout", "0", *places]) == 4
    said = f"Waited 0 s without an answer. Job {job_id} may be gone, or goes on."
    assert said in capsys.readouterr().err
