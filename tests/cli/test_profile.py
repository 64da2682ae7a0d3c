"""`profile` and `variants` as a person and a script meet them."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mobileseg.cli import cli, profile, variants
from mobileseg.errors import UnknownName
from mobileseg.models.profile import TABLE_2
from mobileseg.models.variants import VARIANTS


def run(command, *arguments):
    return CliRunner().invoke(command, arguments)


@pytest.fixture(scope="module")
def every_row():
    result = run(profile.command, "--all", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_all_lists_every_variant_and_then_the_ensembles(every_row):
    rows = [(row["variant"], row["members"]) for row in every_row]
    assert rows == [*((name, 1) for name in VARIANTS), ("m", 3), ("s", 3), ("xs", 3)]


def test_the_json_rounds_to_the_papers_table(every_row):
    found = {(row["variant"], row["members"]): row for row in every_row}
    for key, printed in TABLE_2.items():
        assert f"{found[key]['macs_paper_g']:.2f}" == printed.macs_paper_g
        assert f"{found[key]['params_m']:.2f}" == printed.params_m
        assert f"{found[key]['size_mb']:.2f}" == printed.size_mb


def test_the_json_keeps_the_true_macs_apart(every_row):
    unet = every_row[0]
    assert unet["variant"] == "unet"
    assert unet["macs_true_g"] == pytest.approx(192.67, abs=0.005)
    assert unet["macs_paper_g"] == pytest.approx(218.85, abs=0.005)


def test_the_table_names_both_conventions_and_shows_the_papers_figures():
    result = run(profile.command, "xs", "qin-o")
    assert result.exit_code == 0
    for text in ("true", "paper convention", "3.29", "3.48 (3.48)", "0.29 (0.29)", "176.04"):
        assert text in result.stdout
    assert "unet" not in result.stdout


def test_the_ways_to_four_lesions_stand_beside_each_other():
    result = run(profile.command, "xs", "--tasks")
    assert result.exit_code == 0
    for text in ("4 × single", "2 × dual", "1 × multi", "13.14", "6.68", "3.46", "0.293", "0.30"):
        assert text in result.stdout
    rows = json.loads(run(profile.command, "xs", "--tasks", "--json").stdout)
    assert [(r["way"], r["members"], r["classes"]) for r in rows] == [
        ("4 × single", 4, 1),
        ("2 × dual", 2, 2),
        ("1 × multi", 1, 4),
    ]
    assert rows[0]["macs_true_g"] == pytest.approx(13.140, abs=0.001)


@pytest.mark.parametrize("arguments", [(), ("xs", "--all"), ("--tasks",)])
def test_neither_and_both_are_misuse(arguments):
    result = run(profile.command, *arguments)
    assert result.exit_code == 2
    assert "name at least one VARIANT, or give --all" in result.output


def test_an_unknown_variant_is_named_with_the_choices():
    result = run(profile.command, "xs", "xxl")
    assert isinstance(result.exception, UnknownName)
    assert str(result.exception).startswith("no variant 'xxl'; choose from unet, o, m, s, xs,")


def test_variants_lists_every_variant_with_the_papers_name():
    lines = run(variants.command).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(VARIANTS)
    assert all(row.paper_name in line for row, line in zip(VARIANTS.values(), lines, strict=True))
    assert "73,285" in lines[list(VARIANTS).index("xs")]


def test_variants_as_json_say_where_they_come_from():
    rows = json.loads(run(variants.command, "--json").stdout)
    assert [row["name"] for row in rows] == list(VARIANTS)
    assert rows[1]["source"] == "Siebert & Rostalski 2022, Table 1, row U²-Net-O"


def test_the_group_finds_both_verbs():
    for verb in ("variants", "profile"):
        assert run(cli, verb, "--help").exit_code == 0


@pytest.mark.parametrize("arguments", ["variants", "variants --json", "profile --help"])
def test_neither_verb_loads_torch_before_it_must(arguments):
    probe = (
        "import sys; from mobileseg.cli import cli; "
        f"cli.main({arguments.split()!r}, standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True)
    assert done.returncode == 0, done.stderr
