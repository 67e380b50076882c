"""Whatever wrote the dump, its rows are the same, and data is never taken for a statement."""

from collections.abc import Iterable

import pytest

from pacsgate.model.errors import SettingsError
from pacsgate.policy.foreign.dcm4chee.sql_dump import read_dump
from pacsgate.policy.foreign.dcm4chee.tables import Table

ODD = "O'Brien\\; DROP TABLE users;--\tx"
ROWS = [
    (Table.PERMISSIONS, {"study_iuid": "1.2.3", "action": "Q", "roles": "Doctor"}),
    (Table.PERMISSIONS, {"study_iuid": "1.2.4", "action": "R", "roles": ODD}),
    (Table.ROLES, {"user_id": "jane", "roles": "Doctor"}),
    (Table.ENTITIES, {"aet": "CT1", "hostname": "ct1", "port": "104"}),
]

COPIED = """--
-- PostgreSQL database dump
--
\\restrict X1'y
SET client_encoding = 'UTF8';
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $_$
INSERT INTO study_permission VALUES (9, '9', 'Q', 'Evil');
$_$;
COPY public.patient (pk, pat_name) FROM stdin;
1\tINSERT INTO study_permission VALUES (9, '9', 'Q', 'Evil');
\\.
COPY public.study_permission (pk, study_iuid, action, roles) FROM stdin;
1\t1.2.3\tQ\tDoctor
2\t1.2.4\tR\tO'Brien\\\\; DROP TABLE users;--\\tx
\\.
COPY public.roles (user_id, roles) FROM stdin;
jane\tDoctor
\\.
COPY public.ae (pk, aet, hostname, port, cipher_suites, user_id, passwd) FROM stdin;
1\tCT1\tct1\t104\t\\N\t\\N\tsecret
\\.
"""
INSERTED = """-- PostgreSQL database dump
SELECT pg_catalog.set_config('search_path', '', false);
INSERT INTO public.note VALUES (1, 'a
INSERT INTO study_permission VALUES (9, ''9'', ''Q'', ''Evil'');
');
INSERT INTO public.study_permission VALUES (1, '1.2.3', 'Q', 'Doctor');
INSERT INTO public.study_permission (roles, pk, study_iuid, action) VALUES ('O''Brien\\; DROP TABLE users;--\tx', 2, '1.2.4', 'R');
INSERT INTO public.roles VALUES ('jane', 'Doctor') ON CONFLICT DO NOTHING;
INSERT INTO public.ae (aet, hostname, port, user_id) VALUES ('CT1', 'ct1', 104, NULL);
"""
MYSQL = """-- MySQL dump 10.13  Distrib 5.7.33
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `study_permission`;
CREATE TABLE `study_permission` (
  `pk` bigint(20) NOT NULL AUTO_INCREMENT,
  `study_iuid` varchar(250) NOT NULL,
  `action` varchar(250) NOT NULL,
  `roles` varchar(250) NOT NULL,
  PRIMARY KEY (`pk`),
  UNIQUE KEY `study_permission_idx` (`study_iuid`,`action`,`roles`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
LOCK TABLES `study_permission` WRITE;
INSERT INTO `study_permission` VALUES (1,'1.2.3','Q','Doctor'),(2,'1.2.4','R','O\\'Brien\\\\; DROP TABLE users;--\\tx');
UNLOCK TABLES;
INSERT INTO `note` VALUES (1,'\\'; INSERT INTO study_permission VALUES (9,\\'9\\',\\'Q\\',\\'Evil\\');');
INSERT INTO `roles` VALUES ('jane','Doctor');
CREATE TABLE `ae` (
  `pk` bigint(20) NOT NULL,
  `aet` varchar(250) NOT NULL,
  `hostname` varchar(250) NOT NULL,
  `port` int(11) NOT NULL,
  KEY `x` (`aet`)
);
INSERT INTO `ae` VALUES (1,'CT1','ct1',104);
"""


def read(text: str) -> Iterable[tuple[Table, object]]:
    return [(row.table, dict(row.values)) for row in read_dump(text.splitlines(keepends=True), "dump.sql")]


@pytest.mark.parametrize("text", [COPIED, INSERTED, MYSQL], ids=["copy", "insert", "mysql"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_dump_of_the_same_tables_gives_the_same_rows(text: str, end: str) -> None:
    assert read(text.replace("\n", end)) == ROWS


def test_a_password_is_never_read() -> None:
    text = "INSERT INTO users VALUES ('jane', 'W6ph5Mm5Pz8GgiULbPgzG37mj9g=');\n"
    assert read(text) == [(Table.USERS, {"user_id": "jane"})]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO study_permission VALUES (1, '1.2.3', 'Q'",
        "INSERT INTO study_permission VALUES (1, '1.2.3', 'Q');\n",
        "INSERT INTO study_permission VALUES (1, '1.2.3', 'Q', lower('X'));\n",
        "INSERT INTO study_permission VALUES (1, '1.2.3', 'Q', 'X') ON DUPLICATE KEY UPDATE pk = 2;\n",
        "INSERT INTO study_permission SELECT * FROM other;\n",
        "INSERT INTO ae VALUES (1, 'CT1', 'ct1', 104);\n",
        "INSERT INTO study_permission (pk, action) VALUES (1, 'Q');\n",
        "COPY study_permission (study_iuid, action, roles) FROM stdin;\n1.2.3\tQ\n\\.\n",
    ],
)
def test_what_is_not_understood_of_the_tables_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^dump\.sql:\d+: "):
        read(text)
