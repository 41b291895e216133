"""Hostile octets against everything that reads the wire: PDUs, receipts, texts, and sessions in both roles.

    python -m tests.fuzz.fuzz_smpp --seconds 25                     all targets, the time shared among them
    python -m tests.fuzz.fuzz_smpp --mode session --seconds 3600 --corpus corpus/session
    python -m tests.fuzz.fuzz_smpp --mode codec --input crash-1234  one input again

Guided by coverage with atheris (`pip install 'estafette[fuzz]'`); with `--plain`, and where atheris is
missing, by mutations of its own, which find less. A finding ends the run with a status other than 0 and
shows the input.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODES = ("session", "codec", "receipts", "text")
_LONGEST_INPUT_OCTETS = 4096
_ROOT = Path(__file__).resolve().parents[2]


def load_target(mode):
    """What takes the inputs of `mode`. Imported late, so that atheris can instrument what it reads."""
    if mode == "session":
        from .session_target import try_session

        return try_session
    from . import targets

    return {"codec": targets.try_codec, "receipts": targets.try_receipts, "text": targets.try_text}[mode]


def mutate(seeds, chance):
    """Some seeds with some damage."""
    octets = bytearray(b"".join(chance.choices(seeds, k=chance.randint(1, 3))))
    for _ in range(chance.randint(0, 8)):
        if not octets:
            break
        position = chance.randrange(len(octets))
        match chance.randrange(4):
            case 0:
                octets[position] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                del octets[position : position + chance.randint(1, 8)]
            case 2:
                octets[position:position] = chance.randbytes(chance.randint(1, 8))
            case _:
                octets[position:position] = octets[position : position + 20]
    return bytes(octets)


def run_plain(mode, seconds, seed):
    """Feed mutated seeds for `seconds`; return how many. A finding raises, with the input in a note."""
    from .seeds import seeds_of

    target, seeds, chance = load_target(mode), seeds_of(mode), random.Random(seed)
    ends_at = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends_at:
        octets = seeds[count] if count < len(seeds) else mutate(seeds, chance)
        try:
            target(octets)
        except BaseException as exc:
            exc.add_note(f"input {count} of mode {mode}, seed {seed}: {octets.hex()}")
            raise
        count += 1
    return count


def run_guided(mode, seconds, seed, corpus):
    """Hand over to atheris, which ends the process by itself. Only what reads the wire is instrumented."""
    import atheris  # type: ignore[import-not-found]  # optional: the extra `fuzz`

    with atheris.instrument_imports(include=["gateway.smpp", "gateway.session", "gateway.domain.addresses"]):
        target = load_target(mode)
        from .seeds import seeds_of
    for number, octets in enumerate(seeds_of(mode)):
        (corpus / f"seed-{number:03}").write_bytes(octets)
    print(f"{mode}: seed {seed}", flush=True)
    options = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-max_len={_LONGEST_INPUT_OCTETS}",
        f"-seed={seed}",
    ]
    findings = f"-artifact_prefix={corpus.parent / 'finding-'}"
    atheris.Setup(
        [sys.argv[0], *options, findings, "-print_final_stats=1", "-verbosity=0", str(corpus)], target
    )
    atheris.Fuzz()


def run_child(mode, options, seconds, corpus):
    """One target in a process of its own: atheris ends the process it runs in."""
    command = [sys.executable, "-m", "tests.fuzz.fuzz_smpp", "--mode", mode, "--seconds", str(seconds)]
    command += ["--seed", str(options.seed), "--corpus", str(corpus)]
    if options.plain:
        command.append("--plain")
    return subprocess.run(command, cwd=_ROOT, check=False).returncode


def run_children(options, folder):
    """The targets asked for, one after the other, up to the first finding."""
    modes = MODES if options.mode == "all" else (options.mode,)
    for mode in modes:
        if run_child(mode, options, options.seconds / len(modes), folder / mode):
            print(f"{mode}: a finding; see above", file=sys.stderr)
            return 1
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mode", choices=("all", *MODES), default="all")
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found interesting")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--input", type=Path, help="try the octets of this file, once")
    options = parser.parse_args()
    if options.input is not None:
        load_target(options.mode)(options.input.read_bytes())
        return 0
    if options.mode == "all" or options.corpus is None:
        with tempfile.TemporaryDirectory() as folder:
            return run_children(options, options.corpus or Path(folder))
    if options.plain or importlib.util.find_spec("atheris") is None:
        count = run_plain(options.mode, options.seconds, options.seed)
        print(f"{options.mode}: {count} inputs by mutation, seed {options.seed}: nothing found")
        return 0
    options.corpus.mkdir(parents=True, exist_ok=True)
    run_guided(options.mode, options.seconds, options.seed, options.corpus.resolve())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
