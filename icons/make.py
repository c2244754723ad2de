"""Draws every icon out of the mark below: the app's, and the tray's in each state. Run by make.sh.

The mark is a railway switch: a track that goes straight on, and one that turns off. Tray icons have a light line with a dark
edge, so that they can be read on light and dark panels, and a sign in the corner that differs by shape, not by colour alone.
macOS recolours an icon by its alpha: the template ones are black.
"""

import io
import pathlib
import sys

import cairosvg
from PIL import Image

HERE = pathlib.Path(__file__).parent

# On a field of 64.
STRAIGHT = "M22 58 V6"
TURN = "M22 46 C22 30 46 32 46 12 V6"
LINES = f'<path d="{STRAIGHT}"/><path d="{TURN}"/>'

# What stands in the lower right corner, as (outline that is cut free around it, sign).
SIGNS = {
    "serving": None,
    "busy": ('<circle cx="47" cy="47" r="{r}"/>', 12, "#f5a623", '<circle cx="47" cy="47" r="4.5" fill="{ink}"/>'),
    "local": (
        '<path d="M47 33 L61 45 H57.5 V60 H36.5 V45 H33 Z" stroke-linejoin="round" stroke="{fill}" stroke-width="{s}"/>',
        0, "#3fb950", '<path d="M44 60 V51 H50 V60 Z" fill="{ink}"/>',
    ),
    "paused": (
        '<circle cx="47" cy="47" r="{r}"/>', 13, "#d0d4da",
        '<path d="M43.5 41.5 V52.5 M50.5 41.5 V52.5" stroke="{ink}" stroke-width="4" stroke-linecap="round"/>',
    ),
    "problem": (
        '<path d="M47 34 L61 59 H33 Z" stroke-linejoin="round" stroke="{fill}" stroke-width="{s}"/>', 0, "#f04438",
        '<path d="M47 43 V50" stroke="{ink}" stroke-width="4" stroke-linecap="round"/>'
        '<circle cx="47" cy="55.5" r="2.3" fill="{ink}"/>',
    ),
}


def sign(shape, radius, fill, grow):
    """The sign's body, larger by `grow` on every side."""
    return f'<g fill="{fill}">' + shape.format(r=radius + grow, s=2 + 2 * grow, fill=fill) + "</g>"


def tray(state, template):
    entry = SIGNS[state]
    line, edge = ("#000", None) if template else ("#fff", "#1c232b")
    body = ""
    if edge:
        body += f'<g fill="none" stroke="{edge}" stroke-width="14" stroke-linecap="round">{LINES}</g>'
    body += f'<g fill="none" stroke="{line}" stroke-width="7.5" stroke-linecap="round">{LINES}</g>'
    if entry is None:
        return svg(body)
    shape, radius, fill, ink = entry
    hole = f'<mask id="m"><rect width="64" height="64" fill="#fff"/>{sign(shape, radius, "#000", 4)}</mask>'
    marked = f'{hole}<g mask="url(#m)">{body}</g>'
    if template:
        # A sign in one colour: its inside is cut out.
        cut = f'<mask id="n"><rect width="64" height="64" fill="#fff"/>{ink.format(ink="#000")}</mask>'
        return svg(f'{marked}{cut}<g mask="url(#n)">{sign(shape, radius, "#000", 0)}</g>')
    return svg(marked + sign(shape, radius, "#1c232b", 2) + sign(shape, radius, fill, 0) + ink.format(ink="#1c232b"))


def app():
    return svg(
        '<defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1">'
        '<stop offset="0" stop-color="#2f7df6"/><stop offset="1" stop-color="#1a4fc4"/></linearGradient></defs>'
        '<rect x="3" y="3" width="58" height="58" rx="13" fill="url(#g)"/>'
        '<g fill="none" stroke-linecap="round" stroke-width="6" transform="translate(-1.5 3.2) scale(.9)">'
        '<path d="M26 53 V11" stroke="#fff" stroke-opacity=".5"/>'
        '<path d="M26 53 V45 C26 30 48 32 48 15 V11" stroke="#fff"/></g>'
    )


def svg(body):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{body}</svg>\n'


def png(source, size):
    return cairosvg.svg2png(bytestring=source.encode(), output_width=size, output_height=size)


def main():
    (HERE / "source").mkdir(exist_ok=True)
    drawn = app()
    (HERE / "source" / "app.svg").write_text(drawn)
    for name, size in {"32x32": 32, "64x64": 64, "128x128": 128, "128x128@2x": 256, "icon": 512}.items():
        (HERE / f"{name}.png").write_bytes(png(drawn, size))
    large = Image.open(io.BytesIO(png(drawn, 1024)))
    large.save(HERE / "icon.icns")
    large.save(HERE / "icon.ico", sizes=[(size, size) for size in (16, 24, 32, 48, 64, 256)])
    for state in SIGNS:
        for suffix, template in (("", False), ("-template", True)):
            drawn = tray(state, template)
            (HERE / "source" / f"tray-{state}{suffix}.svg").write_text(drawn)
            (HERE / f"tray-{state}{suffix}.png").write_bytes(png(drawn, 64))


sys.exit(main())
