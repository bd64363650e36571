"""The database of an installation on MariaDB: one server for all tests of a run, a database and the accounts of
sql/mariadb-accounts.sql for each installation."""
import atexit
import itertools
import os
import re
import sqlite3
import sys

import pymysql
import pymysql.constants.CLIENT
import pymysql.converters

from .database import Database

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from mariadb import MariaDB  # noqa: E402 (a helper of other tests as well)

# As wrong as a server's defaults can be: nothing may depend on them.
DEFAULTS = ("--innodb-flush-log-at-trx-commit=1", "--character-set-server=latin1", "--default-time-zone=+05:30",
            "--sql-mode=")
PASSWORD = "change-me"
numbers = itertools.count(1)
running = []


def server():
    """The server of this run, started at its first use."""
    if not running:
        running.append(MariaDB(*DEFAULTS).__enter__())
        atexit.register(lambda: running[0].__exit__(None, None, None))
    return running[0]


def rows_as_text():
    """Times stay the text that tables hold."""
    fields = pymysql.constants.FIELD_TYPE
    return {kind: convert for kind, convert in pymysql.converters.conversions.items()
            if kind not in (fields.DATETIME, fields.TIMESTAMP)}


class MariaDatabase(Database):
    def __init__(self, site, own_server=None):
        self.name = f"tocsin_e2e_{next(numbers)}"
        self.server = own_server or server()
        self.site = site
        before, after = self.accounts().split("-- The rest after the first", 1)
        self.server.sql(before)
        self.after = "-- " + after
        password = os.path.join(site, "secrets", "database")
        with open(password, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        os.chmod(password, 0o600)
        reference = f"file:{password}"
        self.settings = {
            "TOCSIN_STORE_URL": f"mysql://tocsin@localhost/{self.name}", "TOCSIN_STORE_SOCKET": str(self.server.socket),
            "TOCSIN_STORE_PASSWORD": reference, "TOCSIN_STORE_WEB_USER": "tocsin_web", "TOCSIN_STORE_WEB_PASSWORD": reference,
            "TOCSIN_STORE_MIGRATE_USER": "tocsin_migrate", "TOCSIN_STORE_MIGRATE_PASSWORD": reference}

    def accounts(self):
        with open(os.path.join(ROOT, "sql", "mariadb-accounts.sql"), encoding="utf-8") as file:
            return re.sub(r"\btocsin(?=\.| CHARACTER)", self.name, file.read())

    def let_in(self):
        """After the first migration: the rights on tables, and the token that init made."""
        self.server.sql(self.after)
        with sqlite3.connect(os.path.join(self.site, "tocsin.db")) as made:
            for row in made.execute("SELECT id, name, hash, role, dtCreated FROM ApiTokens"):
                self.run("INSERT INTO ApiTokens (id, name, hash, role, dtCreated) VALUES (?, ?, ?, ?, ?)", *row)
        made.close()

    def run(self, statement, *values):
        connection = pymysql.connect(
            unix_socket=str(self.server.socket), user="root", database=self.name, charset="utf8mb4", autocommit=True,
            client_flag=pymysql.constants.CLIENT.FOUND_ROWS, conv=rows_as_text(), cursorclass=pymysql.cursors.DictCursor)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement.replace("?", "%s") if values else statement, values or None)
            self.last_id = cursor.lastrowid
            return list(cursor.fetchall())

    def tables(self):
        return {row["TABLE_NAME"] for row in self.run(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")}
