"""From a ticket to the customer's mailbox, with a real model: ticket in, draft through litellm, card, edit, e-mail."""

from pathlib import Path

import pytest

from bot.domain.lifecycle import State
from bot.domain.proposal import Reply
from tests.connectors.test_email import Mailbox, serving
from tests.journeys.props import edit_words, until_stored
from tests.journeys.tickets import INTAKE, case_of, settled, stands
from tests.world import running_world

pytestmark = pytest.mark.timeout(900)
ANSWER = "Hello Ana, we are open from 9 to 17 on every working day. Kind regards, Maria"


async def test_a_ticket_is_drafted_by_a_real_model_edited_by_a_person_and_received_by_email(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_BASE", address)
    sent = Mailbox()
    async with serving(sent) as port:
        policy = f"""{INTAKE}
[connectors.support]
type = "email"
host = "127.0.0.1"
port = {port}
from = "Shop Support <support@shop.example>"
starttls = false

[drafting]
attempts = 1
timeout = "5m"
""".replace("[defaults]", '[defaults]\nconnector = "email:support"')
        async with running_world(tmp_path / "sayso.db", policy, SAYSO_MODEL="openai/smollm2") as world:
            await settled(world)
            body = {
                "conversation": {
                    "id": "mail-1",
                    "subject": "Opening hours",
                    "customer": {
                        "name": "Ana Lopez",
                        "email": "ana@customer.example",
                        "message_id": "<1@customer.example>",
                    },
                    "messages": [{"role": "customer", "text": "When are you open on Monday?"}],
                }
            }
            async with world.http.post(f"{world.sayso.url}/v1/tickets", json=body, headers=world.headers()) as taken:
                assert taken.status == 202, await taken.text()
            await until_stored(world, lambda tx: len(tx.waiting()) == 1, 600)
            (case,) = await world.sayso.store.read(lambda tx: tx.waiting())
            print(case.revision.content, case.ruling.reason, case.notes)
            # The model was really asked: what it cost stands on the card, whatever it wrote.
            assert any("tokens" in note for note in case.notes)
            room = "C0ESCALATE" if case.state is State.ESCALATED else "C0REVIEW"
            card = await world.card(case.id, room)
            assert case_of(card) == case.id
            assert (await edit_words(world, "U0MARIA", card, ANSWER)).ok
            done = await stands(world, case.id, State.EXECUTED)
    assert done.content == Reply(text=ANSWER)
    # Where the model gave nothing to use, the customer had the holding line first.
    *_, mail = sent.messages
    assert set(sent.recipients) == {"ana@customer.example"}
    assert mail.get_content().strip() == ANSWER
    assert mail["In-Reply-To"] == "<1@customer.example>"
