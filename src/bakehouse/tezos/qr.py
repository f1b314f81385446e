"""An address as a QR code, drawn here and asked of nobody: for pages, programs, mails, terminals.

The address alone: that is what wallets on phones read.
"""

import io

import segno

from bakehouse.tezos.address import Address


def qr_svg(address: Address) -> str:
    """Draw it as SVG that stands by itself; black on white, whatever the page's colours."""
    return str(_code(address).svg_inline(scale=5, border=4, light="white"))


def qr_png(address: Address) -> bytes:
    """Draw it as a PNG, for whoever shows no SVG; black on white."""
    drawn = io.BytesIO()
    _code(address).save(drawn, kind="png", scale=6, border=4, light="white")
    return drawn.getvalue()


def _code(address: Address) -> segno.QRCode:
    return segno.make(address, micro=False)
