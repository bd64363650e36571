"""Mail servers as the world has them: with TLS, with a wrong or expired certificate, without the TLS that
they had yesterday, with accounts. What can't be sent safely waits, says why, and goes out once it can."""
import json
import os
import re
import subprocess

import pytest

from support.installation import OPERATOR
from support.wait import until

ALERT = "[Monitor ALERT] Compass POs"
CANARY = "canary-7f3a9c51d2"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.certificate = os.path.join(self.folder, "authority.crt")
        self.key = os.path.join(self.folder, "authority.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                "-subj", "/CN=Authority of a test", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, alternative, days=9):
        """A server's certificate and key in one file; days below 0: expired."""
        path = os.path.join(self.folder, name)
        with open(path + ".ext", "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={alternative}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", path + ".key", "-out", path + ".csr")
        openssl("x509", "-req", "-in", path + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", path + ".ext", "-out", path + ".crt")
        with open(path + ".pem", "w", encoding="utf-8") as whole:
            for part in (".crt", ".key"):
                with open(path + part, encoding="utf-8") as file:
                    whole.write(file.read())
        return path + ".pem"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def configure(site, **settings):
    """Change channels.email in the file that `tocsin init` wrote."""
    with open(site.config, encoding="utf-8") as file:
        text = file.read()
    line = re.search(r"^channels: (.*)$", text, re.MULTILINE)
    channels = json.loads(line[1])
    channels["email"].update(settings)
    with open(site.config, "w", encoding="utf-8") as file:
        file.write(text.replace(line[0], "channels: " + json.dumps(channels)))


def begin(make_site, authority, *server_options, **settings):
    """An installation that requires TLS of its mail server, and a monitor that has failed."""
    site = make_site(is_fast=True)
    configure(site, tls="required", ca_file=authority.certificate, **settings)
    site.mailbox.restart(*server_options)
    check = site.add_signal()
    site.start()
    site.fail("no purchase order for 31 minutes")
    site.database.add_monitor("Compass POs", check, people=[OPERATOR])
    return site


def first(site):
    rows = site.database.run("SELECT * FROM Notifications WHERE kind = 'alert' ORDER BY id LIMIT 1")
    return rows[0] if rows else {}


def wait_refused(site):
    """Until the mail was not sent for a reason; the reason."""
    until(lambda: first(site).get("reason"), "the first attempt has its outcome")
    assert first(site)["status"] in ("queued", "leased"), first(site)
    assert site.mailbox.received() == []
    return first(site)["reason"]


def test_mail_goes_out_over_starttls_and_every_mail_after_it_over_the_same_connection(make_site, authority):
    site = begin(make_site, authority, "--certificate", authority.issue("right", "IP:127.0.0.1"))
    site.mailbox.wait(ALERT)
    for turn in range(1, 4):
        site.say("4 purchase orders in 5 minutes")
        site.mailbox.wait("[Monitor RECOVERED] Compass POs", turn)
        site.fail("no purchase order again")
        site.mailbox.wait(ALERT, turn + 1)
    mails = site.mailbox.received()
    assert len(mails) >= 7 and all(mail["tls"] for mail in mails)
    assert len({mail["connection"] for mail in mails}) == 1


@pytest.mark.parametrize("name, alternative, days, said", [
    ("wrong-host", "DNS:mail.elsewhere.example", 9, "no alternative certificate subject name matches"),
    ("expired", "IP:127.0.0.1", -1, "certificate has expired")])
def test_a_bad_certificate_is_refused_by_its_name_until_it_is_replaced(make_site, authority, name, alternative, days, said):
    site = begin(make_site, authority, "--certificate", authority.issue(name, alternative, days))
    reason = wait_refused(site)
    assert "no secure connection" in reason and said in reason
    site.mailbox.restart("--certificate", authority.issue(name + "-renewed", "IP:127.0.0.1"))
    assert site.mailbox.wait(ALERT)["tls"]


def test_a_certificate_of_nobody_known_is_refused(make_site, authority, tmp_path):
    stranger = Authority(tmp_path)
    site = begin(make_site, authority, "--certificate", stranger.issue("stranger", "IP:127.0.0.1"))
    assert "no secure connection" in wait_refused(site)


def test_a_server_that_no_longer_offers_tls_gets_nothing(make_site, authority):
    site = begin(make_site, authority)
    reason = wait_refused(site)
    assert "no secure connection" in reason and "STARTTLS" in reason
    site.mailbox.restart("--certificate", authority.issue("again", "IP:127.0.0.1"))
    assert site.mailbox.wait(ALERT)["tls"]


def test_a_corrected_password_is_taken_up_without_a_restart_and_never_shown(make_site, authority, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(CANARY + "-wrong\n")
    secret.chmod(0o600)
    server = ["--certificate", authority.issue("right", "IP:127.0.0.1"), "--account", f"tocsin:{CANARY}"]
    site = begin(make_site, authority, *server, user="tocsin", password=f"file:{secret}")
    assert "user or password" in wait_refused(site)
    secret.write_text(CANARY + "\n")
    site.process("notifier email").signal(1)
    mail = site.mailbox.wait(ALERT)
    assert mail["user"] == "tocsin" and mail["tls"]
    site.wait_quiet()
    site.stop()
    for folder, _, names in os.walk(site.directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    assert CANARY.encode() not in file.read(), f"{path} holds the password"
