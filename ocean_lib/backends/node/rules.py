"""What an Ocean Node does not run, and what it would take although it cannot work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ocean_lib.backends.environment import Environment
from ocean_lib.backends.node.bodies import MAX_METADATA_CHARS, metadata_of
from ocean_lib.backends.node.placement import placed
from ocean_lib.base.advice import Advice
from ocean_lib.checks import is_token_did
from ocean_lib.exceptions import (
    EnvironmentUnavailable,
    InvalidInput,
    NotOffered,
    ProviderError,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.models.file_input import FileInput
from ocean_lib.preflight.findings import Finding, refused, unknown, warning

_OUTPUTS = ("publishOutput", "publishAlgorithmLog", "whitelist")
# What only a shell understands. $ALGO is the one name that is replaced.
_SHELL = re.compile(r"""['"|&;<>`*\\]|\$(?!ALGO\b)""")
MAX_FILES = 10
"""So many files are looked at: each costs one of the 30 requests a minute."""

_ENDS = {
    "input-unreachable": "status 31, Data provisioning failed",
    "algorithm-unreachable": "status 32, Algorithm provisioning failed",
}
_CHOOSE = Advice.of("list-environments")


def not_offered(plan: JobPlan) -> Iterator[str]:
    """Yield what a plan asks for that is not run on a node, each with the way round it."""
    dids = [*plan.dids, *([plan.algorithm.did] if plan.algorithm.did else [])]
    of_v3 = [did for did in dids if is_token_did(did)]
    if of_v3:
        yield (
            f"An Ocean Node runs no published assets of V3 ({', '.join(of_v3)}). Publish them "
            "there, or pass files as FileInput(url=...) and your own code as algorithm_meta"
        )
    if plan.resumed_job_id:
        yield "An Ocean Node cannot go on with a stopped job. Leave job_id out"
    asked = [name for name in _OUTPUTS if plan.output.get(name)]
    if asked:
        yield f"An Ocean Node publishes no results. Leave {', '.join(asked)} out of output"


def check_offered(plan: JobPlan) -> None:
    """Check that nothing is asked for that is not run on a node.

    Raises:
        NotOffered: something is; nothing was sent.
    """
    for fault in not_offered(plan):
        raise NotOffered(f"{fault}. Nothing was started.")


def findings_without_asking(plan: JobPlan) -> Iterator[Finding]:
    """Say what is in the way of a job on a node, as far as the plan itself tells."""
    for fault in not_offered(plan):
        what, _, mend = fault.rpartition(". ")
        yield refused("not-offered", f"{what}.", f"{mend}.")
    try:
        metadata_of(plan)
    except InvalidInput as error:
        yield refused("metadata-too-long", str(error), f"Keep to {MAX_METADATA_CHARS} characters.")
    meta = plan.algorithm.meta
    found = meta and _SHELL.search(meta.container_entry_point)
    if meta and found:
        yield warning(
            "entrypoint-needs-shell",
            f"The entry point {one_line(meta.container_entry_point, 100)!r} has {found.group()!r}. "
            "A node splits it at blanks and runs it without a shell, so quotes, pipes, "
            "redirections and variables other than $ALGO reach the program as they are.",
            "Put that line into a script, send it as the code, and use the entry point `sh $ALGO`; "
            "or do it in the algorithm itself.",
        )


def environment_findings(plan: JobPlan, offers: Sequence[Environment]) -> Iterator[Finding]:
    """Say whether an environment of the node takes a job, and will give it what it asks for."""
    try:
        place = placed(plan, offers)
    except EnvironmentUnavailable as error:
        yield refused("environment-unavailable", error.what, _CHOOSE)
        return
    except InvalidInput as error:
        yield refused("environment-unavailable", str(error), "Give max_duration.")
        return
    if place.offer is None:
        what = f"The environment {one_line(plan.environment, 160)} is not among the node's."
        yield refused("environment-unavailable", what, _CHOOSE)
        return
    sizes: list[Finding] = []
    if plan.environment:
        yield from _access(plan, place.offer)
        sizes = list(_sizes(plan, place.offer))
    yield from sizes or _room(plan, place.offer)


def _access(plan: JobPlan, offer: Environment) -> Iterator[Finding]:
    if offer.admits(plan.consumer):
        return
    if offer.access_lists:
        yield unknown(
            "environment-members-unknown",
            f"The environment takes the members of {', '.join(offer.access_lists)}; whether "
            f"{plan.consumer} is one stands on the chain, which is not asked.",
            "Ask the node's operator, or start the job and see.",
        )
        return
    what = f"The environment takes the jobs of {len(offer.addresses)} wallet(s) only, not of"
    yield refused("environment-closed", f"{what} {plan.consumer}.", _CHOOSE)


def _sizes(plan: JobPlan, offer: Environment) -> Iterator[Finding]:
    for name, amount in plan.resources.items():
        has = offer.resources.get(name)
        if has is not None and amount > has.max:
            what = f"The job asks for {amount:g} {name}, and the environment gives {has.max:g}."
            yield refused("environment-unavailable", what, "Ask for less.")
        elif has is None and amount:
            known = ", ".join(offer.resources)
            what = f"The environment has no resource {name!r}, which the node ignores; it has "
            yield warning("resource-unknown", f"{what}{known}.", "Leave it out.")
    longest, asked = offer.max_duration_s, plan.max_duration_s
    if longest is not None and asked is not None and asked > longest:
        what = f"The job may run {longest} s there, not the {asked} s of max_duration."
        yield warning("duration-too-long", what, "Ask for less, or choose another environment.")


def _room(plan: JobPlan, offer: Environment) -> Iterator[Finding]:
    if not offer.has_room(plan.resources):
        what = f"The environment {offer.id} is full now: {offer.running} jobs run, {offer.queued} "
        yield warning("environment-full", f"{what}wait.", "Start later, or ask for less.")


def file_findings(plan: JobPlan, reaches: Callable[[FileInput], bool]) -> Iterator[Finding]:
    """Say which files of a job the node does not read; one request for each.

    Args:
        plan: the job.
        reaches: asks the node.
    """
    files = [
        ("input-unreachable", f"input {position} ({item!r})", item)
        for position, item in enumerate(plan.datasets)
        if isinstance(item, FileInput)
    ]
    meta = plan.algorithm.meta
    if meta is not None and meta.url and not meta.rawcode:
        code = FileInput(meta.url)
        files.append(("algorithm-unreachable", f"the code ({code!r})", code))
    for name, what, file in files[:MAX_FILES]:
        if file.s3 or file.headers or file.method != "GET":
            yield _not_told(what, "tells nothing of files with headers, by POST, or in S3")
            continue
        try:
            words = "" if reaches(file) else "it reads no bytes there"
        except (ServiceUnavailable, TooManyRequests):
            raise
        except ProviderError as error:
            words = f"it says: {error.provider_text or error.status_code}"
        if words:
            yield warning(
                name,
                f"The node cannot read {what}: {words}. It would take the job, which would then "
                f"end with {_ENDS[name]}.",
                "Check the place, and that the node can reach it: by default it refuses loopback.",
            )
    for _, what, _ in files[MAX_FILES:]:
        yield _not_told(what, f"is asked about the first {MAX_FILES} files only")


def _not_told(what: str, why: str) -> Finding:
    return unknown(
        "input-not-looked-at",
        f"Whether the node can read {what} is unknown: it {why}.",
        "Start the job and see.",
    )
