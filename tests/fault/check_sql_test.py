#!/usr/bin/python3
"""The sql check against real databases: what it answers, what it refuses, and that nothing is written."""
import pathlib
import signal
import sqlite3
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import checks  # noqa: E402
from mariadb import PASSWORD, MariaDB  # noqa: E402

ENDLESS = {
    "maria": "SELECT BENCHMARK(10000000000, SHA2('x', 512))",
    "sqlite": "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT MAX(x) FROM a"}


def setUpModule():
    global FOLDER, SERVER, CONFIG
    FOLDER = tempfile.TemporaryDirectory()
    folder = pathlib.Path(FOLDER.name)
    SERVER = MariaDB()
    SERVER.__enter__()
    SERVER.sql(f"""
        CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
        CREATE TABLE orders (id INT PRIMARY KEY, sku VARCHAR(20), at DATETIME(3), ts TIMESTAMP NULL, note TEXT);
        INSERT INTO orders VALUES
            (1, 'a', UTC_TIMESTAMP(3) - INTERVAL 31 MINUTE, NOW() - INTERVAL 10 MINUTE, NULL),
            (2, 'b', UTC_TIMESTAMP(3) - INTERVAL 90 MINUTE, NULL, 'ünïcode 🐘');
        CREATE TABLE empty (id INT);
        CREATE PROCEDURE wipe() DELETE FROM orders;
        DELIMITER $$
        CREATE FUNCTION wiper() RETURNS INT BEGIN DELETE FROM orders; RETURN 1; END$$
        DELIMITER ;
        CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
        GRANT ALL ON *.* TO reader@'127.0.0.1';
        CREATE USER reader@localhost IDENTIFIED BY '{PASSWORD}';
        GRANT SELECT ON shop.* TO reader@localhost;
    """)  # ALL on purpose: the check itself must refuse what the account may do
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "password").chmod(0o600)
    (folder / "wrong").write_text("wrong")
    (folder / "wrong").chmod(0o600)
    (folder / "open").write_text("x")
    (folder / "open").chmod(0o644)
    (folder / "garbage.db").write_bytes(b"this is no database at all, but long enough to be one" * 100)
    db = sqlite3.connect(folder / "shop.db")
    db.executescript("""
        CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT, at TEXT, unix INTEGER);
        INSERT INTO orders VALUES (1, 'a', datetime('now', '-31 minutes'), unixepoch() - 1860);
        INSERT INTO orders VALUES (2, 'b', datetime('now', '-90 minutes'), unixepoch() - 5400);
        CREATE TABLE empty (id INTEGER);
    """)
    db.close()
    url = f"mysql://reader@127.0.0.1:{SERVER.port}/shop"
    CONFIG = checks.config(folder, sources={
        "maria": {"url": url, "password": f"file:{folder}/password"},
        "socket": {"url": url, "password": f"file:{folder}/password", "socket": str(SERVER.socket)},
        "wrong": {"url": url, "password": f"file:{folder}/wrong"},
        "nofile": {"url": url, "password": f"file:{folder}/missing"},
        "openfile": {"url": url, "password": f"file:{folder}/open"},
        "nodb": {"url": url.replace("/shop", "/none"), "password": f"file:{folder}/password"},
        "tls": {"url": url, "password": f"file:{folder}/password", "require_tls": True},
        "down": {"url": "mysql://reader@127.0.0.1:1/shop"},
        "sqlite": {"url": "sqlite:shop.db"},
        "chicago": {"url": "sqlite:shop.db", "timezone": "America/Chicago"},
        "garbage": {"url": "sqlite:garbage.db"},
        "missing": {"url": "sqlite:missing.db"}})


def tearDownModule():
    SERVER.__exit__()
    FOLDER.cleanup()


class Sql(unittest.TestCase):
    def ask(self, source, query, seconds=10, **params):
        params = {"mode": "value", **params}
        if params["mode"] == "value" and not params.keys() & {"min", "max", "equals"}:
            params["min"] = -1e9
        return checks.once(CONFIG, "sql", {"source": source, "query": query, **params}, seconds)

    def fails(self, wanted, *args, **params):
        answer = self.ask(*args, **params)
        self.assertFalse(answer["isOk"], answer)
        self.assertIn(wanted, answer["message"])
        self.assertNotIn(PASSWORD, answer["message"])
        return answer

    def test_modes(self):
        for source in ("maria", "sqlite"):
            answer = self.ask(source, "SELECT COUNT(*) AS open_orders FROM orders", max=2)
            self.assertEqual((answer["isOk"], answer["metrics"]), (True, {"value": 2}), answer)
            self.fails(f"{source}: open_orders is 2, at most 1 is right", source,
                       "SELECT COUNT(*) AS open_orders FROM orders", max=1)
            self.fails(f"{source}: 2 rows are wrong, at most 0 may be: id=1, sku=a | id=2, sku=b", source,
                       "SELECT id, sku FROM orders ORDER BY id", mode="rows")
            self.fails(f"{source}: 2 rows are wrong, at most 1 may be: sku=a | sku=b", source,
                       "SELECT id, sku FROM orders ORDER BY id", mode="rows", max=1, messageColumns=["sku"])
            self.assertTrue(self.ask(source, "SELECT id FROM empty", mode="rows")["isOk"])
            self.assertTrue(self.ask(source, "SELECT id FROM orders", mode="count", equals=2)["isOk"])
            answer = self.fails("newest_order is 31 min old", source,
                                "SELECT MAX(at) AS newest_order FROM orders", mode="freshness", maxAge="30m")
            self.assertIn("the limit is 30 min", answer["message"])
            self.assertTrue(self.ask(source, "SELECT at FROM orders", mode="freshness", maxAge="32m")["isOk"])

    def test_nothing_and_null(self):
        for source in ("maria", "sqlite"):
            self.fails("gave no row", source, "SELECT id FROM empty")
            self.fails("gave no row", source, "SELECT id FROM empty", mode="freshness", maxAge="1h")
            self.fails("is NULL", source, "SELECT MAX(id) FROM empty")
            self.fails("only NULL", source, "SELECT MAX(id) FROM empty", mode="freshness", maxAge="1h")
            self.fails("more than one row", source, "SELECT id FROM orders")
            self.fails("no time", source, "SELECT sku FROM orders", mode="freshness", maxAge="1h")

    def test_zones(self):
        self.assertTrue(self.ask("maria", "SELECT MAX(ts) AS t FROM orders", mode="freshness", maxAge="11m",
                                 timezone="America/Chicago")["isOk"], "a TIMESTAMP is an instant")
        self.fails("in the future", "chicago", "SELECT MAX(at) AS t FROM orders", mode="freshness", maxAge="30m")
        self.assertTrue(self.ask("chicago", "SELECT MAX(at) AS t FROM orders", mode="freshness", maxAge="32m",
                                 timezone="UTC")["isOk"])
        self.assertTrue(self.ask("chicago", "SELECT MAX(unix) AS t FROM orders", mode="freshness",
                                 maxAge="32m")["isOk"])
        self.fails("Chicago", "sqlite", "SELECT 1", timezone="America/Chicgo")

    def test_hostile(self):
        for source in ("maria", "sqlite"):
            for query in ("DELETE FROM orders", "DROP TABLE orders", "SELECT 1; DELETE FROM orders",
                          "/*! DELETE FROM orders */", "CALL wipe()", "COMMIT", "SET @@global.read_only=0", ""):
                answer = checks.once(CONFIG, "sql", {"source": source, "query": query, "mode": "value", "min": 0})
                self.assertFalse(answer["isOk"], query)
        self.fails("read only", "maria", "SELECT shop.wiper()")
        self.fails("INTO", "maria", f"SELECT id INTO OUTFILE '{FOLDER.name}/out' FROM orders")
        self.fails("read only", "sqlite", "WITH a AS (SELECT 1) DELETE FROM orders")
        self.fails("says", "sqlite", "SELECT load_extension('/tmp/x.so')")
        self.assertEqual(SERVER.sql("SELECT COUNT(*) FROM shop.orders"), "2")
        self.assertFalse((pathlib.Path(FOLDER.name) / "out").exists())

    def test_bounds(self):
        for source in ("maria", "sqlite"):
            start = time.monotonic()
            self.fails("time limit", source, ENDLESS[source], seconds=2)
            self.assertLess(time.monotonic() - start, 8)
            self.fails("more than 1000 rows", source,
                       "SELECT a.id FROM orders a, orders b, orders c, orders d, orders e, orders f, orders g, "
                       "orders h, orders i, orders j", mode="count", min=1, maxRows=1000)
        self.fails("time limit", "maria", "SELECT SLEEP(60)", seconds=2)
        self.fails("larger than 1 MiB", "maria", "SELECT REPEAT('x', 2000000)")
        self.fails("sqlite: ", "sqlite", "SELECT hex(randomblob(2000000))")

    def test_trouble(self):
        self.fails('no source "none"', "none", "SELECT 1")
        self.fails("refuses the account reader", "wrong", "SELECT 1")
        self.fails("missing", "nofile", "SELECT 1")
        self.fails("none", "nodb", "SELECT 1")
        self.fails("open", "openfile", "SELECT 1")
        self.fails("127.0.0.1 port 1 can't be reached", "down", "SELECT 1")
        self.fails("tls: ", "tls", "SELECT 1")
        self.fails("there is no file", "missing", "SELECT 1")
        self.fails("damaged or no database", "garbage", "SELECT 1 FROM orders")
        self.fails("orderz", "maria", "SELECT 1 FROM orderz")
        self.fails("orderz", "sqlite", "SELECT 1 FROM orderz")

    def test_socket_and_text(self):
        answer = self.ask("socket", "SELECT note FROM orders WHERE id = 2", equals="ünïcode 🐘")
        self.assertTrue(answer["isOk"], answer)

    def test_worker_keeps_and_renews_its_connections(self):
        params = {"source": "maria", "query": "SELECT CONNECTION_ID()", "mode": "value", "min": 1}
        with checks.Worker(CONFIG) as worker:
            one = worker.ask("sql", params)
            two = worker.ask("sql", params)
            self.assertEqual(one["metrics"], two["metrics"], "the same connection")
            SERVER.sql(f"KILL {int(one['metrics']['value'])}")
            three = worker.ask("sql", params)
            self.assertTrue(three["isOk"], three)
            self.assertNotEqual(one["metrics"], three["metrics"])
            SERVER.stop()
            gone = worker.ask("sql", params)
            self.assertFalse(gone["isOk"])
            self.assertIn("can't be reached", gone["message"])
            SERVER.start()
            self.assertTrue(worker.ask("sql", params)["isOk"])
            SERVER.process.send_signal(signal.SIGSTOP)
            try:
                hung = worker.ask("sql", params, seconds=10)
            finally:
                SERVER.process.send_signal(signal.SIGCONT)
            self.assertFalse(hung["isOk"])
            self.assertRegex(hung["message"], "did not come in time|can't be reached|did not answer")
            self.assertTrue(worker.ask("sql", params)["isOk"])

    def test_worker_sees_a_replaced_file(self):
        folder = pathlib.Path(FOLDER.name)
        params = {"source": "sqlite", "query": "SELECT COUNT(*) FROM orders", "mode": "value", "min": 0}
        with checks.Worker(CONFIG, "sql") as worker:
            self.assertEqual(worker.ask("sql", params)["metrics"]["value"], 2)
            old = (folder / "shop.db").read_bytes()
            db = sqlite3.connect(folder / "new.db")
            db.execute("CREATE TABLE orders (id)")
            db.commit()
            db.close()
            (folder / "new.db").replace(folder / "shop.db")
            self.assertEqual(worker.ask("sql", params)["metrics"]["value"], 0)
            (folder / "old.db").write_bytes(old)
            (folder / "old.db").replace(folder / "shop.db")
            self.assertEqual(worker.ask("sql", params)["metrics"]["value"], 2)


if __name__ == "__main__":
    unittest.main()
