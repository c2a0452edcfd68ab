"""The Query DSL: one module a family of clauses, read into typed records and lowered to expressions."""

from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.dsl.parsing import Query, check_query, condition_on, parse_query, read_query, where

__all__ = ["Clause", "Query", "Scope", "check_query", "condition_on", "parse_query", "read_query", "where"]
