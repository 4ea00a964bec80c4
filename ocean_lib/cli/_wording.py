"""The library's messages name its calls; here stand the commands in their place."""

from __future__ import annotations

import re

_OF_CALLS = (
    (r"\bcall (?=assets\.|compute\.)", "run "),
    (r"assets\.trust\('([^']+)', '([^']+)', wallet\)", r"`ocean-compute trust add \1 \2`"),
    (
        r"assets\.refresh_trust\('([^']+)', '([^']+)', wallet\)",
        r"`ocean-compute trust refresh \1 \2`",
    ),
    (r"assets\.order(?: and|, then) assets\.pay_for_service", "`ocean-compute order`"),
    (
        r"compute\.jobs\(wallet, '([^']+)'\) and find agreementId (\w+)",
        r"`ocean-compute jobs --did \1 --order \2`",
    ),
    (r"job\.wait\(\)", "`ocean-compute wait`"),
    (r"job\.logs\(\)", "`ocean-compute logs`"),
    (r"get a new one with job\.result\(\)", "run the command again"),
    (
        r"Allow more \(max_bytes\), or use download, which writes to disk as it comes",
        "Use `ocean-compute download`, with a larger --max-bytes or without",
    ),
    (r", with decimal\.Decimal\.quantize", ""),
    (
        r"not a saved job: (.*) is missing\. Pass what ComputeJob\.to_dict\(\) returned",
        r"not a job file of `ocean-compute start`: \1 is missing",
    ),
    (r", or 32 bytes", ""),
    (r" or None(?=, got)", ""),
    (r"Check metadata_cache_uri\b", "Check --metadata-cache, or metadata_cache_uri in the config"),
    (r"Check algorithm_did\b", "Check --algorithm"),
    (r"algorithm_meta has no code", "The file of --code is empty"),
    (r"ive it `rawcode` \(the text\) or `url` \(where it lies\)", "ive one with code in it"),
    (r" \(Asset\.update_compute_privacy\)", ""),
)


def in_commands(message: str) -> str:
    """Return a message of the library as somebody at a command line can use it."""
    for call, command in _OF_CALLS:
        message = re.sub(call, command, message)
    return message
