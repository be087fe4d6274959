"""An earlier reply goes to another customer without anything of the first one."""

import pytest

from bot.drafting.filling import customer_name, fill

REPLY = (
    "Dear John,\n\nYour order #A-4471 was refunded $54.20 on March 12. Refunds take 5 business days; see "
    "https://shop.example/refunds. Questions? help@shop.example\n\nBest, Maria"
)
EARLIER = "Hi, I want a refund for order A-4471, I paid $54.20. John Smith john@x.example"


def test_what_the_ticket_states_takes_the_place_of_the_earlier_customers() -> None:
    filled = fill(REPLY, ticket="Please refund order B-9912, it was $20.", earlier=EARLIER, name="Eva Stone")
    assert filled.text.startswith(
        "Dear Eva,\n\nYour order B-9912 was refunded $20 on [date]. Refunds take 5 business days"
    )
    assert filled.holes == ("date", "e-mail address")


def test_what_the_ticket_does_not_state_becomes_a_hole() -> None:
    filled = fill(REPLY, ticket="please refund me", earlier=EARLIER)
    assert filled.text.startswith("Hello,\n\nYour order [order number] was refunded [amount] on [date].")
    for theirs in ("John", "4471", "54.20", "March 12"):
        assert theirs not in filled.text
    assert filled.holes == ("order number", "amount", "date", "e-mail address")


def test_what_holds_for_everybody_stays() -> None:
    filled = fill(REPLY, ticket="please refund me", earlier=EARLIER, confirmed=["Write to help@shop.example."])
    assert "Questions? help@shop.example" in filled.text


def test_two_candidates_are_no_candidate() -> None:
    filled = fill(
        "Your order A-1111 is on its way.", ticket="Orders A-2222 and A-3333 are late", earlier="order A-1111 is late"
    )
    assert filled.text == "Your order [order number] is on its way."


def test_a_number_that_the_agent_looked_up_is_never_copied_nor_guessed() -> None:
    reply = "Your tracking number is 1Z999AA10123456784."
    filled = fill(reply, ticket="Where is order 44718?", earlier="Where is order 33129?")
    assert filled.text == "Your tracking number is [tracking number]."


def test_a_name_in_the_greeting_is_always_the_earlier_customers() -> None:
    assert fill("Hi Bob!\nAll done.", ticket="x", earlier="no name here").text == "Hi!\nAll done."
    assert fill("Hi there,\nAll done.", ticket="x", earlier="y").text == "Hi there,\nAll done."
    assert fill("Hello Mr. Smith, done.", ticket="x", earlier="y", name="Eva Stone").text == "Hello Eva Stone, done."


def test_a_name_inside_the_reply_goes_too() -> None:
    earlier = "I am Bob and I lost my card"
    assert fill("I am sorry, Bob.", ticket="lost card", earlier=earlier).text == "I am sorry, [name]."
    assert fill("I am sorry, Bob.", ticket="lost card", earlier=earlier, name="Eva").text == "I am sorry, Eva."


def test_product_names_and_facts_of_the_reply_stay() -> None:
    reply = "You can pay with Visa or PayPal within 30 days, see https://shop.example/pay."
    assert fill(reply, ticket="how can I pay", earlier="which ways to pay are there").text == reply


@pytest.mark.parametrize(
    ("customer", "text", "name"),
    [
        ({"name": " Eva  Stone "}, "", "Eva Stone"),
        ({}, "Where is it?\n\nThanks,\nEva Stone", "Eva Stone"),
        ({}, "my name is Eva and I lost it", "Eva"),
        ({}, "Where is it? Thanks", None),
        ({"name": 7}, "Thanks,\nsee you", None),
    ],
)
def test_the_name_is_the_one_that_the_ticket_states(customer: dict[str, int], text: str, name: str | None) -> None:
    assert customer_name({**customer}, text) == name
