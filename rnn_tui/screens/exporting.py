"""The screen as a picture, the step as a document: where to, and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnn_engine.errors import EngineError
from rnn_tui.export.ansi import ansi
from rnn_tui.export.files import Exists, format_of, suggested, write
from rnn_tui.export.formats import DOCUMENTS
from rnn_tui.export.picture import Picture, taken
from rnn_tui.export.png import NoPicture, png
from rnn_tui.export.svg import svg
from rnn_tui.screens.dialogs import AskScreen, Field
from rnn_tui.text import safe_text
from rnn_tui.widgets.lines import LineWidget

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen

HINT = ".svg .png .txt .ansi: {} · .md .csv: this step"


def picture_of(screen: SessionScreen, title: str, pane: str = "") -> Picture | None:
    """The screen as it is now, or one thing on it by its name; None where that is not shown."""
    screen.paint()
    return taken(screen.query(LineWidget), screen.app.size, screen.palette, title, pane)


def as_bytes(picture: Picture, format: str) -> bytes:
    """A picture in one of `PICTURES`. Raises `NoPicture`."""
    if format == "png":
        return png(svg(picture))
    make = {"svg": svg, "ansi": ansi, "txt": Picture.text}[format]
    return make(picture).encode("utf-8")


def ask_export(screen: SessionScreen) -> None:
    """Ask for a file, and write what its suffix says: what the screen shows now, or this step."""
    controller, address = screen.controller, screen.snapshot.address
    session = Path(controller.path or "session").stem
    title = f"{session} {address}"
    zoomed = screen.scene.zoom
    alone = picture_of(screen, title, zoomed) if zoomed else None
    picture = alone or picture_of(screen, title)  # a panel may stand in the place of what is zoomed
    asked = screen.predicting.pending
    hint = HINT.format("this pane" if alone else "the screen")
    refused: list[str] = []

    def write_to(name: str) -> str:
        try:
            kind = format_of(name)
            if kind in DOCUMENTS:
                if asked:
                    return "this step's numbers are still to be predicted; first the answer"
                data = controller.document(kind).encode("utf-8", "replace")
            else:
                assert picture is not None  # the whole screen is always there
                data = as_bytes(picture, kind)
            write(name, (data,), replace=name in refused)
        except Exists:
            refused.append(name)
            return "there is such a file already; Enter once more replaces it"
        except (EngineError, NoPicture) as error:
            return str(error)
        return ""

    async def attempt(values: tuple[str, ...]) -> str:
        name = values[0].strip()
        if not name:
            return "a file needs a name"
        said = await screen.driver.submit(lambda: write_to(name), quiet=True)
        if not said:
            screen.say(f"exported to {safe_text(str(Path(name).expanduser().absolute()))}")
        return said

    field = Field("file", suggested(session, address))
    screen.app.push_screen(AskScreen("Export as", (field,), hint, attempt, "writes it"))
