"""What the panels draw, by the text they render: why, gradient flow, a step in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tui.render.arrange import Scene, arrange
from rnn_tui.render.flow import MapView, MemoryView, Scale, draw_map, scale_of
from rnn_tui.render.hops import EndView, HopView, RouteView, WayView, draw_hops
from rnn_tui.render.palette import palette
from rnn_tui.render.panel import draw_full, scrolled
from rnn_tui.render.spans import Line, text_of, width
from rnn_tui.render.why import TermView, WhyView, draw_why

SIZES = ((55, 12), (59, 16), (79, 17), (116, 24), (196, 50))
HOSTILE = "h\x1b[2J[red]\u202e\u0301" + "\u0301" * 9 + "名前"


def why_view(count: int = 5, **changed: object) -> WhyView:
    terms = tuple(
        TermView(f"W[{k},0] * ∂z[2][{k}]", (-1) ** k / (k + 1), 1 / (k + 1), f"∂z[2][{k}]", "1:backward:2:z")
        for k in range(count)
    )
    view = WhyView("∂h[2][0]", 0.7453958159018624, "1:backward:2:h", "∂h = Wᵀ @ ∂z", True, terms, 0.0)
    return view._replace(**changed)  # type: ignore[arg-type]


def map_view(T: int, *, factor: float = 0.5, **changed: object) -> MapView:
    sizes = tuple(tuple(factor ** (i - k) if k <= i else 0.0 for k in range(T)) for i in range(T))
    norms = tuple(sum(row[k] for row in sizes) for k in range(T))
    view = MapView(
        0, ("h",), sizes, norms, 2e-17, (("Horizon: 3 steps", "the hop t=3 → 2 loses most"),), (T - 1, 0)
    )
    return replace(view, **changed)  # type: ignore[arg-type]


def fits(lines: list[Line], wide: int, high: int) -> None:
    assert len(lines) <= high
    for line in lines:
        assert width(line) <= wide
        for text, role in line:
            assert text.isprintable()
            palette("plain").style(role)
            palette("dark").style(role)


# why


@pytest.mark.parametrize(("wide", "high"), SIZES)
@pytest.mark.parametrize("count", [0, 1, 5, 400])
def test_why_fits_and_names_number_rule_and_terms(count: int, wide: int, high: int) -> None:
    lines = draw_why(why_view(count), wide, high)
    fits(lines, wide, high)
    text = text_of(lines)
    assert "∂h[2][0] = 0.7453958159018624" in text
    assert "∂h = Wᵀ @ ∂z" in text
    if count:
        assert "+1.00000" in text
        assert "▸" in text


def test_terms_have_sign_share_and_address() -> None:
    text = text_of(draw_why(why_view(3), 79, 14))
    assert "-0.50000" in text
    assert " 50%" in text
    assert text.count("1:backward:2:z") >= 3
    assert "the sum of 3 terms, the largest first" in text


def test_a_long_list_says_what_is_out_of_view_and_follows_the_chosen_term() -> None:
    text = text_of(draw_why(why_view(40), 59, 16))
    assert "↓" in text and "more" in text
    text = text_of(draw_why(why_view(40, chosen=39), 59, 16))
    assert "▸" in text
    assert "W[39,0]" in text
    assert "↑" in text and "↓" not in text


def test_a_remainder_is_called_rounding_and_functions_say_applied_to() -> None:
    assert "-5.6e-17  rounding" in text_of(draw_why(why_view(rounding=-5.6e-17), 59, 16))
    text = text_of(draw_why(why_view(sums=False), 59, 16))
    assert "applied to" in text
    assert "%" not in text
    assert "rounding" not in text


def test_what_stands_behind_the_chosen_term() -> None:
    assert "Enter goes to ∂z[2][1] at 1:backward:2:z" in text_of(draw_why(why_view(chosen=1), 59, 16))
    given_term = TermView("b_h[0]", 0.5, 1.0, "b_h[0]", "")
    assert "Enter shows b_h[0]" in text_of(draw_why(why_view(terms=(given_term,)), 59, 16))
    constant = TermView("0.1", 0.1, 1.0, "", "")
    assert "nothing stands behind it" in text_of(draw_why(why_view(terms=(constant,)), 59, 16))


def test_a_gradient_without_a_stop_is_not_called_given() -> None:
    terms = (TermView("from ∂p[1][1]: …", 0.5, 1.0, "∂p[1][1]", ""), TermView("w", 0.5, 0.5, "w", ""))
    view = WhyView("∂p[1][1]", 1.0, "", "∂p = …", True, terms, 0.0)
    first, *_ = lines = text_of(draw_why(view, 79, 17)).splitlines()
    assert "given" not in first
    assert [("given" in line) for line in lines if "50%" in line or "100%" in line] == [False, True]


@pytest.mark.parametrize(
    ("wide", "high", "names", "numbers"),
    [
        (79, 17, True, "= exp(1.5 - 1.5) /"),
        (59, 9, False, "= 1 / (1 + …)"),
        (59, 11, True, "= exp(1.5 - 1.5) /"),
    ],
)
def test_the_rule_of_an_element_stands_as_full_as_there_is_room(
    wide: int, high: int, names: bool, numbers: str
) -> None:
    """In names where the terms do not need the room, in numbers always; never cut."""
    full = "exp(1.5 - 1.5) / (exp(1.5 - 1.5) + exp(0.5 - 1.5) + exp(0.25 - 1.5))"
    view = why_view(
        rule="p = softmax(z)",
        terms=(TermView("z[1][0]", 1.5, 1.0, "", ""),) * 3,
        names=("exp(z[1][0] - z[1][0]) / (…)",),
        numbers=(full, "1 / (1 + …)"),
    )
    text = text_of(draw_why(view, wide, high))
    assert ("= exp(z[1][0]" in text) is names
    assert numbers in text
    assert "".join(text.split()).count("".join(full.split())) == (numbers != "= 1 / (1 + …)")
    again = text_of(draw_why(why_view(rule="p = a + b", names=("a + b",), numbers=("1 + 2",)), 79, 24))
    assert again.count("= a + b") == 1  # nothing is said twice


def test_the_way_one_came_is_cut_at_its_beginning() -> None:
    path = tuple(f"h[{t}][0]" for t in range(30, 0, -1))
    text = text_of(draw_why(why_view(path=path), 59, 16))
    last = text.splitlines()[-1]
    assert last.startswith("Backspace … → ")
    assert last.endswith("h[1][0] → ∂h[2][0]")


@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_hostile_names_are_drawn_and_no_more(wide: int, high: int) -> None:
    term = TermView(HOSTILE * 3, float("nan"), float("nan"), HOSTILE, HOSTILE)
    view = why_view(
        label=HOSTILE, rule=HOSTILE * 20, terms=(term, term), path=(HOSTILE, HOSTILE), address=HOSTILE
    )
    fits(draw_why(view, wide, high), wide, high)
    fits(draw_map(map_view(4, states=(HOSTILE, "c")), wide, high), wide, high)
    route = RouteView(HOSTILE * 9, 0.5, 0.1)
    hop = HopView(3, 2, 1.0, 0.5, 0.5, 0.7, 0.7, (route,) * 6, "loses most")
    fits(draw_hops(WayView(3, (hop,), nothing=HOSTILE), 0, wide, high), wide, high)
    fits(draw_hops(WayView(3, (), nothing=HOSTILE), 0, wide, high), wide, high)
    fits(draw_full([(HOSTILE, [HOSTILE * 9, f"  = {HOSTILE}"])], 0, wide, high)[0], wide, high)


# the map


@pytest.mark.parametrize(("wide", "high"), SIZES)
@pytest.mark.parametrize("T", [1, 4, 20, 100])
@pytest.mark.parametrize("factor", [0.0, 0.1, 1.0, 3.0])
def test_the_map_fits_and_speaks_of_the_cell_under_the_cursor(
    T: int, factor: float, wide: int, high: int
) -> None:
    for cursor in ((T - 1, 0), (T - 1, T - 1), (0, 0), (T // 2, T // 4)):
        lines = draw_map(map_view(T, factor=factor, cursor=cursor), wide, high)
        fits(lines, wide, high)
        text = text_of(lines)
        assert f"The loss at t={cursor[0] + 1} sends" in text
        assert "Added up they are the gradients shown, within 2e-17." in text
        assert f"▸ {cursor[0] + 1}".replace(" ", "") in text.replace(" ", "")
        assert "Horizon: 3 steps" in text


def test_numbers_where_there_is_room_and_heights_elsewhere() -> None:
    text = text_of(draw_map(map_view(4), 79, 17))
    assert "0.1250 0.2500 0.5000 1.0000" in text
    text = text_of(draw_map(map_view(30), 79, 24))
    assert "0.2500" not in text
    assert "█" in text and "▁" in text
    assert "by powers of ten" in text
    assert "linear" in text_of(draw_map(map_view(30, powers=False), 79, 24))


@pytest.mark.parametrize("T", [6, 25, 100])
def test_what_the_map_leaves_out_is_said_in_full(T: int) -> None:
    memories = (MemoryView("h", T, (0.5,) * T),)
    for wide, high in ((56, 10), (56, 12), (77, 15)):
        for at in (0, T // 2, T - 1):
            lines = draw_map(map_view(T, cursor=(at, 0), memories=memories), wide, high)
            fits(lines, wide, high)
            text = text_of(lines)
            shown = [
                int(line[:5].strip(" ▸")) for line in text.splitlines() if line[:5].strip(" ▸").isdigit()
            ]
            above, below = shown[0] - 1, T - shown[-1]
            signs = " ".join(f"{arrow}{n}" for arrow, n in (("↑", above), ("↓", below)) if n)
            assert len(shown) >= 2
            assert (f"{signs} more" in text or f"{signs} →" in text) if signs else " more" not in text


def test_zero_is_not_drawn_as_something_small_and_infinity_is_marked() -> None:
    lines = text_of(draw_map(map_view(30, factor=0.0), 79, 40)).splitlines()
    assert any("·" in line for line in lines)
    sizes = [list(row) for row in map_view(30).sizes]
    sizes[29][3] = float("inf")
    assert "!" in text_of(draw_map(map_view(30, sizes=tuple(map(tuple, sizes))), 79, 40))


def test_losses_that_send_nothing_are_counted_and_left_out() -> None:
    sizes = tuple(row if i == 19 else (0.0,) * 20 for i, row in enumerate(map_view(20).sizes))
    text = text_of(draw_map(map_view(20, sizes=sizes), 79, 17))
    assert "19 time steps have no loss that flows" in text


def test_a_map_that_does_not_add_up_says_so() -> None:
    assert "NOT the gradients shown" in text_of(draw_map(map_view(4, remainder=1e-3), 79, 17))
    assert "something overflows" in text_of(draw_map(map_view(4, remainder=float("nan")), 79, 17))
    assert "to the last bit" in text_of(draw_map(map_view(4, remainder=0.0), 79, 17))


def test_shares_of_several_states() -> None:
    view = map_view(
        4, states=("c", "h"), cursor=(3, 1), origins=((3, 1.0),), shares=(("c", 0.83), ("h", 0.17))
    )
    assert "from t=3 it comes 83 % through c, 17 % through h" in text_of(draw_map(view, 116, 24)).replace(
        "\n", " "
    )


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.booleans(), st.integers(8, 48))
def test_larger_is_never_drawn_smaller(a: float, b: float, powers: bool, steps: int) -> None:
    scale = Scale(max(a, b), max(min(a, b) / max(a, b), 1e-12), powers)
    low, high = scale.height(min(a, b), steps), scale.height(max(a, b), steps)
    assert 1 <= low <= high == steps


def test_powers_of_ten_are_for_sizes_that_range_widely() -> None:
    assert not scale_of(map_view(4)).powers
    assert scale_of(map_view(30)).powers
    assert not scale_of(map_view(30, powers=False)).powers


# hops


def hop_view(t: int, to: int, mark: str = "", straight: bool = False) -> HopView:
    route = RouteView("h to a, through W_hh", 0.2, 0.05)
    return HopView(t, to, 1.0, 0.5, 0.5, 0.8, 0.625, (route,), mark, straight)


def test_hops_have_factors_and_the_worst_is_marked() -> None:
    hops = tuple(hop_view(t, t - 1, "loses most" if t == 3 else "") for t in range(5, 1, -1))
    for wide, high in SIZES:
        lines = draw_hops(WayView(5, hops, (EndView(5, 1, 1.0, 0.25),)), 1, wide, high)
        fits(lines, wide, high)
        text = text_of(lines)
        assert "The way of the loss at t=5 back through time" in text
        assert "5 → 4" in text
        assert "▸ 4 → 3" in text
        assert "◀" in text
        assert "h to a, through W_hh" in text
        assert "From t=5 to t=1: 1.00000 → 0.25000, 25 % of it is left." in text
        assert "time steps" not in text
    assert "no earlier time step" in text_of(draw_hops(WayView(1, ()), 0, 79, 17))
    lost = WayView(5, hops, (EndView(5, 1, float("inf"), float("nan")),))
    assert "inf → nan, what is left is not known." in text_of(draw_hops(lost, 1, 79, 17))


@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_hops_of_either_way_stand_apart_and_the_chosen_one_is_in_view(wide: int, high: int) -> None:
    straight = hop_view(50, 48, straight=True)
    back = [hop_view(t, t - by) for t in range(50, 40, -1) for by in (1, 3)]
    on = [hop_view(t, t + 1) for t in range(50, 60)]
    view = WayView(
        50, (straight, *back, *on), (EndView(50, 40, 1.0, 0.5), EndView(50, 60, 1.0, 0.5)), back=False
    )
    for chosen, hop in enumerate(view.hops):
        lines = draw_hops(view, chosen, wide, high)
        fits(lines, wide, high)
        text = text_of(lines)
        assert "The way of the loss at t=50 through time" in text
        assert f"▸ {hop.t} → {hop.to} " in text
        assert f"{hop.t} → {hop.to} goes by" in text
        assert text.count("50 % of that") == 2, "which way it came is not known"
    everything = text_of(draw_hops(view, 0, wide, 60)).splitlines()
    titles = ["straight from the loss", "to earlier time steps", "to later time steps"]
    assert [line.strip() for line in everything if line.strip() in titles] == titles
    first = next(line for line in everything if "50 → 48" in line)
    assert "0.5000" not in first.replace("0.50000", ""), "what has passed no state has no factor"


def test_two_ways_through_time_leave_room_for_the_map() -> None:
    said = tuple((f"Horizon {n}: 3 steps", f"the hop t={n} is to blame") for n in (1, 2))
    memories = tuple(MemoryView(name, t, (0.5,) * 10) for name, t in (("f", 10), ("g", 1)))
    view = map_view(10, horizons=said, memories=memories)
    for wide, high in ((78, 15), (116, 30)):
        lines = draw_map(view, wide, high)
        fits(lines, wide, high)
        text = text_of(lines)
        assert text.count("Horizon") == 2
        assert sum(line[3:5].strip().isdigit() for line in text.splitlines()) >= 5
        roomy = high == 30
        assert (text.count("to blame") == 2) == ("∂f[10]/∂f[k]" in text) == ("∂g[1]/∂g[k]" in text) == roomy


def test_the_room_there_is_is_used_for_both_ways_through_time() -> None:
    """Least dear first: the curves go, then the hops to blame, then time steps of the map."""
    said = tuple((f"Horizon {n}: 3 steps", f"the hop t={n} is to blame") for n in (1, 2))
    memories = tuple(MemoryView(name, t, (0.5,) * 5) for name, t in (("f", 5), ("g", 1)))
    found = {}
    for high in range(8, 20):
        lines = draw_map(map_view(5, horizons=said, memories=memories), 78, high)
        fits(lines, 78, high)
        text = text_of(lines)
        rows = sum(line[3:5].strip().isdigit() and "more" not in line for line in text.splitlines())
        found[high] = (rows, "to blame" in text, "‖∂f[5]/∂f[k]‖, ‖∂g[1]/∂g[k]‖" in text and "∂g 0.5" in text)
        assert high < 12 or found[high][:2] == (5, True)
    assert [found[high][2] for high in (14, 15)] == [False, True]
    assert sorted(found.values()) == [found[high] for high in sorted(found)]


def test_the_title_is_shortened_before_it_is_cut() -> None:
    states = ("h1", "h2", "c", "h3", "h4")
    titles = {
        120: "‖∂loss[t]/∂(h1, h2, c, h3, h4)[k]‖   down: the loss at t, across: the time step k",
        78: "‖∂loss[t]/∂(h1, h2, c, h3, h4)[k]‖   down: t, across: k",
        50: "‖∂loss[t]/∂(5 states)[k]‖   down: t, across: k",
    }
    for wide, title in titles.items():
        assert text_of(draw_map(map_view(4, states=states), wide, 17)).splitlines()[0].strip() == title


def test_where_no_loss_flows_there_is_no_map_and_no_claim() -> None:
    memory = MemoryView("h", 4, (0.1, 0.2, 0.5, 1.0))
    none = map_view(4, sizes=((0.0,) * 4,) * 4, nothing="Nothing flows here.", memories=(memory,))
    text = text_of(draw_map(none, 79, 17))
    assert "Nothing flows here." in text and "‖∂h[4]/∂h[k]‖" in text and "0.1000 0.2000" in text
    assert "sends" not in text and "Added up" not in text and "no loss that flows" not in text


def test_why_they_do_not_add_up_is_said() -> None:
    view = map_view(4, remainder=float("nan"), unknown="u is not a number (nan)")
    assert "! Added up they are no number: u is not a number (nan)." in text_of(draw_map(view, 79, 17))


def test_what_comes_from_several_time_steps_names_them() -> None:
    view = map_view(4, cursor=(3, 1), origins=((3, 0.6), (4, 0.4)))
    assert "; it comes 60 % from t=3, 40 % from t=4." in text_of(draw_map(view, 116, 24))
    both = replace(view, shares=(("c", 0.83), ("h", 0.17)))
    said = "; it comes 60 % from t=3, 40 % from t=4, 83 % through c, 17 % through h."
    assert said in text_of(draw_map(both, 160, 24))
    alone = replace(view, origins=((3, 1.0),), shares=(("h", 1.0),))
    assert "comes" not in text_of(draw_map(alone, 116, 24))


# in full, and lists


def test_in_full_scrolls_between_its_ends() -> None:
    sections = [(f"section {k}", [f"line {k}.{j}" for j in range(6)]) for k in range(8)]
    lines, furthest = draw_full(sections, 0, 60, 12)
    assert len(lines) == 12
    assert "↓" in text_of(lines[-1:])
    lines, same = draw_full(sections, 999, 60, 12)
    assert same == furthest
    assert "line 7.5" in text_of(lines)
    assert draw_full(sections[:1], 5, 60, 12)[1] == 0


def test_a_derivation_wraps_and_keeps_its_indent() -> None:
    lines, _ = draw_full([("∂h", ["∂h = a", "  = " + " + ".join(["0.125 * 0.5"] * 12)])], 0, 50, 20)
    assert all(width(line) <= 50 for line in lines)
    assert text_of(lines[3:4]).startswith("      ")


@given(st.integers(0, 60), st.integers(0, 60), st.integers(4, 30))
def test_a_scrolled_list_shows_its_focus(count: int, focus: int, high: int) -> None:
    body: list[Line] = [((f"<{k}>", ""),) for k in range(count)]
    lines = scrolled([((("head"), ""),)], body, [(("foot", ""),)], focus, 40, high)
    assert len(lines) == high
    text = text_of(lines)
    assert text.splitlines()[0] == "head"
    assert text.splitlines()[-1] == "foot"
    if count:
        assert f"<{min(focus, count - 1)}>" in text


# where a panel stands


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 31), (110, 32), (120, 40), (200, 60)])
@pytest.mark.parametrize("panel", [("weights",), ("gradients",), ("weights", "gradients")])
@pytest.mark.parametrize("zoom", ["", "hidden"])
def test_a_panel_hides_neither_title_nor_timeline_nor_keys(
    size: tuple[int, int], panel: tuple[str, ...], zoom: str
) -> None:
    without, boxes = arrange(*size, Scene(zoom)), arrange(*size, Scene(zoom, panel))
    for name in ("title", "equation", "narration", "timeline", "footer"):
        assert boxes[name] == without[name]
    taken: set[tuple[int, int]] = set()
    for x, y, wide, high in boxes.values():
        here = {(x + dx, y + dy) for dx in range(wide) for dy in range(high)}
        assert not taken & here
        taken |= here
    assert not set(panel) & set(boxes)
