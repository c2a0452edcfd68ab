"""The Query DSL: one module a family of clauses, read into typed records and lowered to expressions."""

from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.dsl.parsing import check_query, parse_query, where

__all__ = ["Clause", "Scope", "check_query", "parse_query", "where"]
