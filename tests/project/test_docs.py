"""The docs, the template and the workflow agree with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import transformed
from tinypics import errors
from tinypics.aws import events, serve_settings, settings
from tinypics.aws.backfill import batch
from tinypics.aws.backfill.batch import KILLED
from tinypics.aws.settings import Settings
from tinypics.delivery.request import Request, Skip
from tinypics.image.rendition import Rendition

PROJECT = Path(__file__).parents[2]
EVENTS_PAGE = (PROJECT / "docs" / "events.md").read_text()
RELIABILITY_PAGE = (PROJECT / "docs" / "reliability.md").read_text()
TRIGGERS_PAGE = (PROJECT / "docs" / "triggers.md").read_text()
TEMPLATE = (PROJECT / "template.yaml").read_text()
WORKFLOW = json.loads((PROJECT / "step-function-definition.json").read_text())
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]


def leaves(tree: type[errors.TinypicsError]) -> set[type[errors.TinypicsError]]:
    below = {leaf for child in tree.__subclasses__() for leaf in leaves(child)}
    return below or {tree}


ERRORS = leaves(errors.TinypicsError)


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table after a heading, without the header."""
    after = page.split(f"## {heading}\n", 1)[1]
    rows = re.findall(r"^\|(.+)\|$", after.split("\n## ", 1)[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows[2:]]


def test_every_field_of_a_direct_event_is_documented_and_no_other() -> None:
    documented = {name for row in table(EVENTS_PAGE, "The direct event") for name in re.findall(r"`(\w+)`", row[0])}
    assert documented == events.DIRECT_FIELDS


def test_every_error_is_documented_with_whether_it_is_retried() -> None:
    documented = {row[0].strip("`"): row[2] for row in table(EVENTS_PAGE, "When it fails")}
    assert documented == {error.__name__: "yes" if error.transient else "no" for error in ERRORS}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    assert drawn == {error.__name__ for error in ERRORS} | {"PermanentError", "TransientError"}


def test_the_workflow_retries_every_transient_error_and_no_permanent_one() -> None:
    retried = {name for rule in WORKFLOW["States"]["ResizeImage"]["Retry"] for name in rule["ErrorEquals"]}
    assert retried & {error.__name__ for error in ERRORS} == {error.__name__ for error in ERRORS if error.transient}
    # The emulator names every exception Runtime.HandlerError, so a rule for these follows the named ones.
    assert WORKFLOW["States"]["ResizeImage"]["Retry"][-1]["ErrorEquals"] == ["States.TaskFailed"]


def test_the_attempts_on_the_pages_are_those_of_the_workflow() -> None:
    rows = [row for row in table(RELIABILITY_PAGE, "Retries") if "attempts" in row[2]]
    told = {row[1].partition(",")[0].strip("`"): int(row[2].split()[0]) for row in rows}
    retriers = WORKFLOW["States"]["ResizeImage"]["Retry"]
    made = {rule["ErrorEquals"][0]: 1 + rule["MaxAttempts"] for rule in retriers}
    assert told == {
        "StoreUnavailable": made["StoreUnavailable"],
        "Lambda is throttled or has a failure of its own": made["Lambda.ClientExecutionTimeoutException"],
        "the function was killed: memory": made[KILLED[0]],
        "any other error": made["States.TaskFailed"],
    }
    assert f"{min(made.values())} to {max(made.values())} attempts" in TRIGGERS_PAGE


def test_the_pages_name_every_way_in_which_lambda_kills() -> None:
    (row,) = re.findall(r"^\| F23 \| (.+?) \|", RELIABILITY_PAGE, re.MULTILINE)
    assert re.findall(r"`([\w.]+)`", row) == list(KILLED)


def test_the_page_says_how_long_a_batch_and_a_picture_of_it_may_take() -> None:
    page = (PROJECT / "docs" / "backfill.md").read_text()
    assert f"at most {batch.INVOCATION_SECONDS:g} seconds" in page
    assert f"a batch {batch.BATCH_SECONDS:g} in all" in page


def test_the_workflow_reaches_all_of_its_states_and_the_picture_shows_them() -> None:
    states = WORKFLOW["States"]
    text = json.dumps(states)
    reached = {WORKFLOW["StartAt"], *re.findall(r'"(?:Next|Default)": "(\w+)"', text)}
    assert reached == set(states)
    drawing = (PROJECT / "src/tinypics/console/static/workflow.svg").read_text()
    assert re.findall(r'<g data-state="(\w+)">.*<text[^>]*>(\w+)</text></g>', drawing) == [
        (name, name) for name in states
    ]
    drawn = re.findall(r'<path data-from="(\w+)" data-to="(\w+)"', drawing)
    transitions = {
        (name, end)
        for name, state in states.items()
        for end in re.findall(r'"(?:Next|Default)": "(\w+)"', json.dumps(state))
    }
    assert sorted(drawn) == sorted(transitions)


def test_the_templates_set_only_variables_that_the_code_reads() -> None:
    both = [*vars(settings).items(), *vars(serve_settings).items()]
    known = {value for name, value in both if name.isupper() and isinstance(value, str)}
    set_by_them = re.findall(r"^ +(TINYPICS_\w+):", TEMPLATE + (PROJECT / "cdn.yaml").read_text(), re.MULTILINE)
    assert set(set_by_them) == {name for name in known if name.startswith("TINYPICS_")}


def documented(heading: str) -> list[str]:
    """The names in the first column of a table of docs/deploying.md."""
    rows = table((PROJECT / "docs" / "deploying.md").read_text(), heading)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("template.yaml", "Parameters"),
        ("monitoring.yaml", "Watch it: alarms and a dashboard"),
        ("cdn.yaml", "Serve it: addresses through CloudFront"),
    ],
)
def test_every_parameter_is_documented_and_grouped_in_the_order_of_the_template(name: str, heading: str) -> None:
    template = transformed.template(name)
    parameters = [*template["Parameters"]]
    assert documented(heading) == parameters
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [parameter for group in groups for parameter in group["Parameters"]] == parameters


def test_what_anyone_sets_comes_first_and_the_rest_is_advanced() -> None:
    first, *others = transformed.template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert first["Parameters"] == [
        *("Renditions", "SourceBucket", "OutputBucket", "CreateBuckets", "Trigger", "MemorySize")
    ]
    assert all(group["Label"]["default"].startswith("Advanced - ") for group in others)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("template.yaml", "What it creates"),
        ("monitoring.yaml", "What watching creates"),
        ("cdn.yaml", "What serving creates"),
    ],
)
def test_every_resource_of_a_template_has_its_reason_on_the_page(name: str, heading: str) -> None:
    assert sorted(documented(heading)) == sorted(transformed.template(name)["Resources"])


def test_the_templates_default_renditions_are_the_codes() -> None:
    (default,) = re.findall(r"  Renditions:\n    Type: String\n    Default: (\S+)", TEMPLATE)
    assert tuple(map(Rendition.parse, default.split(","))) == Settings().renditions


@pytest.mark.parametrize("path", sorted((PROJECT / "events").glob("*.json")), ids=lambda path: path.name)
def test_every_sample_event_is_understood_and_documented(path: Path) -> None:
    for record in events.split(json.loads(path.read_text())):
        assert isinstance(events.parse(record, Settings(output_bucket="tiny-pics")), Request | Skip)
    assert f"../events/{path.name}" in EVENTS_PAGE


def test_the_documented_event_is_the_sample() -> None:
    block = EVENTS_PAGE.split("```json\n", 1)[1].split("```", 1)[0]
    assert json.loads(block) == json.loads((PROJECT / "events" / "resize.json").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_rendition_on_a_page_is_one(page: Path) -> None:
    quoted = re.findall(r"`(?:Renditions=)?((?:[\w-]+=)?(?:\d+x\d*|x\d+)(?:[-,][^`…]*)?)`", page.read_text())
    for text in quoted:
        for rendition in text.split(","):
            assert Rendition.parse(rendition)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_every_page_has_its_place_in_the_menu_of_the_site() -> None:
    menu = (PROJECT / "mkdocs.yml").read_text().split("\nnav:\n", 1)[1]
    pages = {path.name for path in (PROJECT / "docs").glob("*.md")}
    assert not pages - set(re.findall(r"\S+\.md", menu)), "add it to nav in mkdocs.yml"


def test_pictures_of_the_docs_are_small() -> None:
    pictures = [path for kind in ("webp", "png", "jpg") for path in (PROJECT / "docs").rglob(f"*.{kind}")]
    assert pictures
    assert all(path.stat().st_size < 150_000 for path in pictures)


def test_contributings_paths_exist() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    rows = text.split("|---|---|\n", 1)[1].split("\n\n", 1)[0]
    for row in rows.splitlines():
        folder = ""
        for name in re.findall(r"`([\w./-]+)`", row.split("|")[1]):
            path = PROJECT / name if "/" in name or (PROJECT / name).exists() else PROJECT / folder / name
            assert path.exists(), name
            folder = str(path.parent.relative_to(PROJECT))


def test_every_command_is_documented_and_every_documented_option_exists() -> None:
    from typer.main import get_command

    from tinypics.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = "\n".join(page.read_text() for page in PAGES)
    used = re.findall(r"tinypics ((?:[a-z]+)(?: [^\n`#|]*)?)", text)
    named = {use.split()[0] for use in used} & set(commands)
    assert named == set(commands)
    for use in used:
        name, *words = use.split()
        if name in commands:
            known = {option for parameter in commands[name].params for option in parameter.opts}
            assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, use
