"""What every test shares: one Hypothesis profile that is never timed against the wall clock, the engines, and how the tests
are shared out between several workers (`make test`)."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.scheduler import LoadScopeScheduling

from tests.databases import ENGINES
from tests.databases import engine as engine
from tests.databases import swept as swept

# CI plays the same nights each time, so that a red run can be repeated; `make test` and `make proof` draw new ones.
settings.register_profile(
    "porchlight", deadline=None, max_examples=100, print_blob=True, derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("long", settings.get_profile("porchlight"), max_examples=2000)
# A planted fault only has to be found: making its example small takes minutes.
settings.register_profile(
    "sabotage", settings.get_profile("porchlight"), phases=[Phase.explicit, Phase.generate], max_examples=200
)
settings.load_profile(os.environ.get("PORCHLIGHT_LAWS", "porchlight"))


class ByModule(LoadScopeScheduling):
    """Each worker takes a module at a time, on one engine: what a module keeps is made once."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        return f"{module} {next((engine for engine in ENGINES if f'[{engine}' in test), '')}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Share out the tests; asked only where there are several workers."""
    return ByModule(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it when CI is about to fail for a skipped test."""
    for report in _forbidden_skips(terminalreporter):
        terminalreporter.write_line(f"SKIPPED ON CI, WHERE NOTHING MAY BE: {report.nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI a skipped test is a failed one; only the contract tests may be left out, and only where CI said so."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _forbidden_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _forbidden_skips(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    allowed = os.environ.get("CI_SKIPS")  # `none` or `contract`, set by .ci/run; elsewhere skips are only told
    skipped = reporter.stats.get("skipped", []) if allowed else []
    return [each for each in skipped if allowed != "contract" or not each.nodeid.startswith("tests/contract/")]
