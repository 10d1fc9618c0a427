"""How the page looks: colours for light and dark, and the system's own fonts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FILES = Path(__file__).parent / "page"
_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
#: Gradio's variable -> its colour in light and in dark.
_COLORS = {
    "body_background_fill": ("#f6f5f2", "#161614"),
    "body_text_color": ("#22211e", "#ecebe6"),
    "body_text_color_subdued": ("#5f5d57", "#a9a79f"),
    "background_fill_primary": ("#ffffff", "#201f1d"),
    "background_fill_secondary": ("#f6f5f2", "#1b1a18"),
    "block_background_fill": ("#ffffff", "#201f1d"),
    "block_label_text_color": ("#22211e", "#ecebe6"),
    "block_title_text_color": ("#22211e", "#ecebe6"),
    "block_info_text_color": ("#5f5d57", "#a9a79f"),
    "border_color_primary": ("#dedbd3", "#3a3833"),
    "border_color_accent": ("#1f6f68", "#7fc4ba"),
    "color_accent": ("#1f6f68", "#7fc4ba"),
    "color_accent_soft": ("#e3efed", "#243835"),
    "input_background_fill": ("#ffffff", "#272623"),
    "checkbox_border_color": ("#8f8b81", "#6d6a62"),
    "input_border_color": ("#8f8b81", "#6d6a62"),
    "button_primary_background_fill": ("#1f6f68", "#7fc4ba"),
    "button_primary_background_fill_hover": ("#185a54", "#9ad3ca"),
    "button_primary_text_color": ("#ffffff", "#10201e"),
    "button_secondary_background_fill": ("#ffffff", "#272623"),
    "button_secondary_background_fill_hover": ("#efede7", "#33312d"),
    "button_secondary_border_color": ("#8f8b81", "#6d6a62"),
    "button_secondary_text_color": ("#22211e", "#ecebe6"),
    "slider_color": ("#1f6f68", "#7fc4ba"),
}


def theme() -> Any:
    """Gradio's theme: no font is loaded from anywhere."""
    from gradio.themes import Base

    made = Base(font=_SANS, font_mono=_MONO, radius_size="md", text_size="md", spacing_size="md")
    colors = {name: light for name, (light, _) in _COLORS.items()}
    dark = {f"{name}_dark": color for name, (_, color) in _COLORS.items() if name != "color_accent"}
    return made.set(**colors, **dark, block_border_width="0px", block_shadow="none", block_shadow_dark="none")


def page_css() -> str:
    """The page's style sheet."""
    return (_FILES / "studio.css").read_text(encoding="utf-8")


def part(name: str) -> dict[str, str]:
    """The HTML and the JavaScript of a part of the page, as `gradio.HTML` takes them."""
    html, script = ((_FILES / f"{name}.{suffix}").read_text(encoding="utf-8") for suffix in ("html", "js"))
    return {"html_template": html, "js_on_load": script}
