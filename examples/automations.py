"""Tell people of runs that failed, and of what the gate blocked: two automations of Prefect.

python examples/automations.py slack-webhook/night

The argument is TYPE/NAME of a notification block on the server that PREFECT_API_URL names: make
one under Blocks, of Slack, e-mail or another kind. The server sends the messages, so they come
also where the machine of a run is gone; `mmindex index --notify` sends from the run itself.
Started again, the program brings both up to date.

What they say: names of flows and runs, the message of the run's state, numbers, and names of
directions. The message of a failed run may name a file, unless the lake is private.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events import AutomationCore, EventTrigger
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import Posture

FLOWS: Final = ["index-media", "evaluate-retrieval", "train-fusion", "promote-models", "maintain"]

FAILED: Final = """\
{{ flow.name }}, run {{ flow_run.name }}: {{ flow_run.state.name }}
{{ flow_run.state.message }}
{{ flow_run|ui_url or '' }}
What was published before serves on, unless the message says otherwise; the next run continues."""

GATE: Final = """\
{{ event.resource.id }}, run {{ event.payload.run }}
directions: {{ event.payload.directions|join(', ') }}
What was published before serves on. Open the report that `mmindex status` or the flow run names;
`mmindex snapshots publish RUN --name WHO --reason TEXT` publishes it all the same."""


def automations(block: UUID) -> Iterator[AutomationCore]:
    """Both of them; they send by the notification block of this id."""
    yield AutomationCore(
        name="mmindex-failed",
        description="A run of mmindex failed, for another reason than the gate's.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={
                "prefect.flow-run.Failed",
                "prefect.flow-run.Crashed",
                "prefect.flow-run.TimedOut",
            },
            match={
                "prefect.resource.id": "prefect.flow-run.*",
                "prefect.state-message": "!*PublicationBlockedError*",  # the other one tells it
            },
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": FLOWS},
            for_each={"prefect.resource.id"},
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=block,
                subject="mmindex: {{ flow.name }} {{ flow_run.state.name }}",
                body=FAILED,
            )
        ],
    )
    yield AutomationCore(
        name="mmindex-gate",
        description="The gate blocked a candidate, or what serves was found worse, or is old.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={"mmindex.gate.blocked", "mmindex.gate.rolled-back", "mmindex.gate.stale"},
            match={"prefect.resource.id": "mmindex.lake.*"},
            for_each={"prefect.resource.id"},
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=block,
                subject="mmindex: {{ event.event }}, snapshot {{ event.payload.snapshot }}",
                body=GATE,
            )
        ],
    )


def create(client: SyncPrefectClient, block: str) -> None:
    """Create both, or bring them up to date; ``block`` is TYPE/NAME."""
    kind, _, name = block.partition("/")
    found = client.read_block_document_by_name(name, kind)
    for automation in automations(found.id):
        known = client.read_automations_by_name(automation.name)
        if known:
            client.update_automation(known[0].id, automation)
        else:
            client.create_automation(automation)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("block", help="TYPE/NAME of a notification block, as slack-webhook/night")
    with get_client(sync_client=True) as client:
        create(client, parser.parse_args().block)


if __name__ == "__main__":
    main()
