"""Gathers a release in one folder, with checksums, and says where each file is published: `make release` runs it.

python -m release.gather BUILD
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import zipfile
from pathlib import Path
from typing import Final

from tinypics import __version__, install

PROJECT: Final = Path(__file__).parents[1]
ARCHITECTURES: Final = ("arm64", "x86_64")
OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive: the earliest that ZIP has, so that the same files give the same bytes."""
CHECKSUMS: Final = "SHA256SUMS"


def pack(folder: Path, archive: Path) -> None:
    """An archive for Lambda: files in the order of their names, without times and owners."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), OLDEST)
            # Lambda runs the code as another user, so everyone must be able to read it.
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def gather(build: Path, folder: Path) -> list[Path]:
    """Everything that a release has, in a fresh folder.

    :raises SystemExit: a file of another version, or nothing, was built.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = sorted((build / "dist").glob("tinypics-*"))
    other = [path.name for path in packages if not path.name.startswith(f"tinypics-{__version__}")]
    if other or not packages:
        raise SystemExit(f"{build / 'dist'}: expected packages of {__version__}, got {', '.join(other) or 'none'}")
    for path in (*packages, build / "sbom.json"):
        shutil.copyfile(path, folder / path.name)
    for architecture in ARCHITECTURES:
        pack(build / f"lambda-{architecture}", folder / f"tinypics-{__version__}-lambda-{architecture}.zip")
    files = sorted(folder.iterdir())
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (folder / CHECKSUMS).write_text(sums)
    return [*files, folder / CHECKSUMS]


def steps(folder: Path) -> str:
    """The commands that publish it."""
    tag = f"v{__version__}"
    warning = (
        f"First set REPOSITORY in src/tinypics/install.py: nobody can reach {install.REPOSITORY}, a reserved name.\n\n"
        if ".example/" in install.REPOSITORY
        else ""
    )
    return f"""{warning}To publish {__version__}:

  1. The tag:   git tag --sign {tag} --message {tag} && git push origin {tag}
                The forge's workflow release.yml builds the same files: compare {CHECKSUMS}.
  2. The files: attach all of {folder} to the forge's release of {tag}, with the text of `make notes`.
                That is where `pip install "tinypics @ git+{install.REPOSITORY}@{tag}"` leads.
  3. AWS Serverless Application Repository, if you have an application there:
                sam build && sam package --s3-bucket BUCKET --output-template-file build/packaged.yaml
                sam publish --template build/packaged.yaml
  4. The site:  copy build/site to your web server.

The wheel and the sdist go to no package index: docs/library.md names the repository."""


def main() -> None:
    """Gather, and print the files and the steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="the folder with dist, lambda-arm64, lambda-x86_64 and sbom.json")
    build = parser.parse_args().build
    folder = build / "release"
    for path in gather(build, folder):
        print(f"{path.stat().st_size:>12,}  {path}")
    print(f"\n{steps(folder)}")


if __name__ == "__main__":
    main()
