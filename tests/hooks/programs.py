"""Small programs as a baker would write them."""

from pathlib import Path


def program(folder: Path, script: str, name: str = "hook", *, interpreter: str = "/bin/sh") -> str:
    """A shell script that can be run; gives its path."""
    path = folder / name
    path.write_text(f"#!{interpreter}\n{script}\n")
    path.chmod(0o755)
    return str(path)


#: What a program says that lets everything be.
GO = """echo '{"version":1,"verdict":"go"}'"""
NO_CHANGES = """echo '{"version":1,"adjustments":[]}'"""
