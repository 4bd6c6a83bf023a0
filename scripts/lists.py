#!/usr/bin/env python3
"""Makes domain/data anew from unpacked packages of the registries.

    scripts/lists.py FOLDER

FOLDER holds each package unpacked under its own name: of npm free-email-domains,
email-providers, freemail, disposable-email-domains-js and burner-email-providers; of PyPI
publicsuffixlist. What the packages lack stands in domain/data/mailboxes-own.txt, and
domain/data/shared-hosts.txt is kept by hand.
"""

import datetime
import json
import pathlib
import re
import sys

HOST = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$")
DATA = pathlib.Path(__file__).resolve().parent.parent / "domain" / "data"


def ascii_of(name):
    name = name.strip().lower().strip(".")
    return name if name.isascii() else name.encode("idna").decode()


def suffixes(text):
    """Whether a name is a public suffix, under which others register."""
    exact, wild, but = set(), set(), set()
    for line in text.splitlines():
        rule = line.strip().split(" ")[0]
        if not rule or rule.startswith("//"):
            continue
        kind = but if rule[0] == "!" else wild if rule.startswith("*.") else exact
        kind.add(ascii_of(rule.lstrip("!").removeprefix("*.")))
    return lambda name: name not in but and (name in exact or name.partition(".")[2] in wild)


def names(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else text.splitlines()


def domains(files, is_suffix):
    found = set()
    for file in files:
        for name in names(file):
            name = name.partition("#")[0]
            try:
                name = ascii_of(name)
            except UnicodeError:
                continue
            if HOST.match(name) and not is_suffix(name):
                found.add(name)
    return found


def version(package):
    return json.loads((package / "package.json").read_text())["version"]


def write(name, head, lines):
    head = "".join(f"# {line}\n" for line in head)
    (DATA / name).write_text(head + "\n".join(sorted(lines)) + "\n", encoding="utf-8")


def main():
    root = pathlib.Path(sys.argv[1])
    today = datetime.date.today().isoformat()
    free, providers, freemail, throwaway, burner = (
        root / name
        for name in (
            "free-email-domains",
            "email-providers",
            "freemail",
            "disposable-email-domains-js",
            "burner-email-providers",
        )
    )
    suffix_text = (root / "publicsuffixlist" / "public_suffix_list.dat").read_text(encoding="utf-8")
    (DATA / "public-suffixes.dat").write_text(suffix_text, encoding="utf-8")
    is_suffix = suffixes(suffix_text)
    disposable = domains(
        [throwaway / "dist/dict/disposable_email_blocklist.json", burner / "emails.txt"], is_suffix
    )
    # Lists of free mail name throw-away services too, and what we collected ourselves names none.
    disposable -= domains([DATA / "mailboxes-own.txt"], is_suffix)
    mailboxes = domains(
        [free / "domains.json", providers / "all.json", freemail / "data/free.txt", DATA / "mailboxes-own.txt"],
        is_suffix,
    )
    shared = domains([DATA / "shared-hosts.txt"], is_suffix)
    made_up = {"example.com", "example.net", "example.org"}
    write(
        "mailboxes.txt",
        [
            "Mail services: domains at which anybody can have an address, free or from an internet provider.",
            f"Made on {today} by scripts/lists.py from free-email-domains {version(free)} (MIT),",
            f"email-providers {version(providers)} (ISC), freemail {version(freemail)} (ISC) and mailboxes-own.txt.",
            "The licences stand in LICENCES.md.",
        ],
        mailboxes - disposable - shared - made_up,
    )
    write(
        "disposable.txt",
        [
            "Mail services for addresses that are thrown away.",
            f"Made on {today} by scripts/lists.py from disposable-email-domains-js {version(throwaway)} (CC0-1.0)",
            f"and burner-email-providers {version(burner)} (MIT). The licences stand in LICENCES.md.",
        ],
        disposable - shared - made_up,
    )


if __name__ == "__main__":
    main()
