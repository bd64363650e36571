"""The demonstration, as a newcomer runs it: one cycle, twice in the same folder."""
import os
import subprocess

from support.installation import BIN, ROOT

ONCE_SECONDS = 150


def run_demo(folder):
    return subprocess.run([os.path.join(ROOT, "tools", "demo"), "--once", "--dir", str(folder)],
                          env={**os.environ, "TOCSIN_BIN_DIR": BIN}, capture_output=True, text=True,
                          timeout=ONCE_SECONDS, check=False)


def test_one_cycle_is_received_also_in_an_old_folder(tmp_path):
    folder = tmp_path / "demo"
    for _ in range(2):
        done = run_demo(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "received by mail: ALERT, REMINDER, RECOVERED" in done.stdout
        for channel in ("email", "slack", "pagerduty"):
            assert any("ALERT" in line and channel in line for line in done.stdout.splitlines())


def test_a_folder_that_it_did_not_make_is_left_alone(tmp_path):
    (tmp_path / "precious").write_text("mine")
    done = run_demo(tmp_path)
    assert done.returncode != 0 and "move it away" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"
