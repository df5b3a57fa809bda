"""What was chosen by flags, by variables and by the config file, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_tui.configfile import Config, config_path, load
from rnn_tui.settings import SETTINGS, Chosen, Value, wishes
from rnn_tui.terminal import TerminalSettings


def chosen(
    flags: Mapping[str, Value | None], environ: Mapping[str, str], *, no_config: bool = False
) -> tuple[Config, dict[str, Chosen]]:
    """The config file, and what was chosen by it, by variables and by the flags. Raises SettingError."""
    config = Config() if no_config else load(config_path())
    return config, wishes(flags, environ, config.values)


def settings_of(settings: TerminalSettings, wished: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """Every setting of the table with its value and who chose it."""
    plain = {"precision": Chosen(4, "default"), "layout": Chosen("auto", "default")}
    return {s.name: settings.chosen.get(s.name) or wished.get(s.name) or plain[s.name] for s in SETTINGS}
