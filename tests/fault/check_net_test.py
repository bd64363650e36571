#!/usr/bin/python3
"""The http and tcp checks against real servers that are well, slow, wrong, huge, and not there."""
import http.server
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import checks  # noqa: E402


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, _ = self.path.partition("?")
        if path == "/slow":
            self.server.hold.wait(30)
        if path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not self.server.hold.wait(0.2):
                self.wfile.write(b"x")
                self.wfile.flush()
            return
        body = {"/500": b"the database is gone", "/huge": b"y" * 5_000_000,
                "/binary": b"\xff\xfe\x00\x1b[31m"}.get(path, b"all is well")
        self.send_response({"/500": 500, "/move": 302, "/loop": 302, "/out": 302, "/none": 204}.get(path, 200))
        targets = {"/move": "/", "/loop": "/loop", "/out": "http://169.254.169.254/latest"}
        if path in targets:
            self.send_header("Location", targets[path])
        self.send_header("X-Kind", "test")
        if path != "/none":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if path != "/none":
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.upper())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that has heard enough hangs up


def serve(wrap=None):
    server = Server(("127.0.0.1", 0), Handler)
    server.hold = threading.Event()
    if wrap:
        server.socket = wrap(server.socket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def talker(say, answer=b"", hold=None, drip=False):
    """A TCP server for connections one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.sendall(say)
                    if answer:
                        peer.recv(1000)
                        peer.sendall(answer)
                    while drip and not hold.wait(0.05):
                        peer.sendall(b".")
                    if hold:
                        hold.wait(30)
                except OSError:
                    pass
    threading.Thread(target=run, daemon=True).start()
    return listener


def setUpModule():
    global FOLDER, CONFIG, WEB, TLS, URL
    FOLDER = tempfile.TemporaryDirectory()
    CONFIG = checks.config(FOLDER.name)
    WEB = serve()
    URL = f"http://127.0.0.1:{WEB.server_port}"
    key, cert = f"{FOLDER.name}/key.pem", f"{FOLDER.name}/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "5",
                    "-subj", "/CN=elsewhere.example", "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    TLS = serve(lambda sock: context.wrap_socket(sock, server_side=True))


def tearDownModule():
    for server in (WEB, TLS):
        server.hold.set()
        server.shutdown()
        server.server_close()
    FOLDER.cleanup()


class Http(unittest.TestCase):
    def ask(self, path="/", seconds=10, **params):
        return checks.once(CONFIG, "http", {"url": URL + path, **params}, seconds)

    def fails(self, wanted, *args, **params):
        answer = self.ask(*args, **params)
        self.assertFalse(answer["isOk"], answer)
        self.assertIn(wanted, answer["message"])
        return answer

    def test_well(self):
        answer = self.ask("/?token=hidden", bodyContains="well", bodyLacks="ill ", expectHeaders=["x-kind: test", "Date:"],
                          maxMs=5000)
        self.assertTrue(answer["isOk"], answer)
        self.assertEqual(answer["metrics"]["status"], 200)
        self.assertEqual(answer["metrics"]["bytes"], 11)
        self.assertNotIn("hidden", answer["message"])
        self.assertTrue(self.ask("/none", expectStatus=204)["isOk"])
        self.assertTrue(self.ask("/", method="POST", body="abc", bodyContains="ABC", expectStatus=[200, 201])["isOk"])

    def test_wrong(self):
        self.fails(f"{URL}/500 answered 500, 200 to 299 is right; it says: the database is gone", "/500")
        self.fails("answered 200, 401 or 403 is right", "/", expectStatus=[401, 403])
        self.fails('"ill" is not in the answer', "/", bodyContains="ill")
        self.fails('lacks the header "X-Kind: other"', "/", expectHeaders=["X-Kind: other"])
        self.fails("answered 200, 500 is right; it says: \\xFF", "/binary", expectStatus=500)

    def test_redirects(self):
        self.fails("answered 302", "/move")
        self.assertTrue(self.ask("/move", followRedirects=True, bodyContains="well")["isOk"])
        self.fails("gave no whole answer", "/loop", followRedirects=True)
        self.fails("address that checks may not connect to", "/out", followRedirects=True)

    def test_slow_and_huge(self):
        for path in ("/slow", "/drip"):
            start = time.monotonic()
            self.fails("did not answer in full within 1800 ms (connected)", path, seconds=2)
            self.assertLess(time.monotonic() - start, 6)
        self.assertTrue(self.ask("/huge", bodyContains="yyy")["isOk"])
        self.fails("the first 64 KiB of the answer", "/huge", bodyContains="z")

    def test_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        answer = checks.once(CONFIG, "http", {"url": f"http://127.0.0.1:{port}/"})
        self.assertIn("Connection refused", answer["message"])
        answer = checks.once(CONFIG, "http", {"url": "http://no-such-host.invalid/"})
        self.assertIn("resolve", answer["message"])
        answer = checks.once(CONFIG, "http", {"url": "http://169.254.169.254/latest/meta-data"})
        self.assertIn("may not connect to", answer["message"])

    def test_certificates(self):
        url = f"https://127.0.0.1:{TLS.server_port}/"
        answer = checks.once(CONFIG, "http", {"url": url, "certDays": 14})
        self.assertFalse(answer["isOk"])
        self.assertIn("can't be trusted", answer["message"])
        self.assertIn("certificate", answer["message"])
        answer = checks.once(CONFIG, "http", {"url": URL.replace("http:", "https:")})
        self.assertIn("can't be trusted", answer["message"])


class Tcp(unittest.TestCase):
    def ask(self, listener, seconds=10, **params):
        return checks.once(CONFIG, "tcp", {"host": "127.0.0.1", "port": listener.getsockname()[1], **params}, seconds)

    def test_conversations(self):
        with talker(b"220 mail.example.com\r\n", b"250 hello\r\n") as mail:
            self.assertTrue(self.ask(mail)["isOk"])
            self.assertTrue(self.ask(mail, expect="220 ")["isOk"])
            answer = self.ask(mail, send="EHLO x\r\n", expect="250 ")
            self.assertTrue(answer["isOk"], answer)
            answer = self.ask(mail, send="EHLO x\r\n", expect="354")
            self.assertFalse(answer["isOk"])
            self.assertIn("it closed the connection; it says: 220 mail.example.com", answer["message"])

    def test_endless(self):
        hold = threading.Event()
        with talker(b"", hold=hold, drip=True) as dripping, talker(b"", hold=hold) as silent:
            for listener in (dripping, silent):
                start = time.monotonic()
                answer = self.ask(listener, seconds=2, expect="220")
                self.assertFalse(answer["isOk"])
                self.assertIn("did not say", answer["message"])
                self.assertIn("no answer in time", answer["message"])
                self.assertLess(time.monotonic() - start, 6)
            hold.set()
        with talker(b"x" * 200_000, hold=hold) as flooding:
            self.assertIn("it says much, but not that", self.ask(flooding, expect="220")["message"])

    def test_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            closed = sock.getsockname()[1]
        answer = checks.once(CONFIG, "tcp", {"host": "127.0.0.1", "port": closed})
        self.assertIn(f"127.0.0.1 port {closed} can't be reached", answer["message"])
        self.assertIn("Connection refused", answer["message"])
        for host, wanted in (("169.254.169.254", "may not connect"), ("a:b:c", "host name"), ("a?b", "host name"),
                             ("no-such-host.invalid", "resolve")):
            answer = checks.once(CONFIG, "tcp", {"host": host, "port": 80})
            self.assertFalse(answer["isOk"])
            self.assertIn(wanted, answer["message"])


if __name__ == "__main__":
    unittest.main()
