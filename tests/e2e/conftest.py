"""Fixtures of the end-to-end tests."""
import pytest

from support.installation import Installation


@pytest.fixture
def make_site(tmp_path):
    """Makes installations that are stopped and judged when the test is over."""
    made = []

    def make(**options):
        made.append(Installation(tmp_path / f"i{len(made)}", **options))
        return made[-1]

    make.made = made
    yield make
    failures = []
    for site in made:
        try:
            site.close()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the end of every log."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and "make_site" in getattr(item, "fixturenames", ()):
        sites = item.funcargs.get("make_site")
        for site in getattr(sites, "made", ()):
            report.sections.append((f"logs of {site.directory}", site.tail(40)))
