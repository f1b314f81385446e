"""An address as a QR code for a page or a program: drawn here, asked of nobody. No pages here."""

import segno

from bakehouse.tezos.address import Address


def qr_svg(address: Address) -> str:
    """Draw a QR code as SVG that stands by itself; black on white, whatever the page's colours.

    The address alone: that is what wallets on phones read.
    """
    code = segno.make(address, micro=False)
    return str(code.svg_inline(scale=5, border=4, light="white"))
