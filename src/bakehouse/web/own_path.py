"""Addresses that lead nowhere but here."""


def own_path(wanted: str) -> str:
    """Give a path of this house as it was asked for, or the first page for anything else."""
    # "//elsewhere" and "/\elsewhere" would lead a browser away from here.
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_own and wanted.isprintable() else "/"
