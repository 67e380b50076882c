import re

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from pacsgate.stores.schema import access_kind, class_fact, kind_part, metadata, series, study, study_value


def test_the_tenant_leads_every_primary_key_and_every_unique_index() -> None:
    for table in metadata.tables.values():
        keys = [list(table.primary_key.columns)]
        keys += [list(index.columns) for index in table.indexes if index.unique]
        keys += [list(rule.columns) for rule in table.constraints if isinstance(rule, UniqueConstraint)]
        for key in keys:
            assert key[0].name == "tenant", f"{table.name}: {key}"


def test_nothing_that_a_constraint_or_query_compares_is_nullable() -> None:
    for table in (study, series, class_fact, study_value, access_kind, kind_part):
        for column in table.columns:
            assert not column.nullable, f"{table.name}.{column.name}"


def test_texts_compare_by_code_point_on_postgresql() -> None:
    for table in metadata.tables.values():
        ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for column in table.columns:
            if column.type.python_type is str:
                assert re.search(rf'\b{column.name} TEXT COLLATE "C"', ddl), f"{table.name}.{column.name}"
