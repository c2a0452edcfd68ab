"""Tools and skills for Kibana's Agent Builder: what they are, what has to change, and the calls that change it."""

from anomalyops_insight.kibana.definitions import Skill, ToolDefinition, skills, tool_definitions
from anomalyops_insight.kibana.registration import Change, Registered, apply, look, to_register, to_unregister

__all__ = [
    "Change",
    "Registered",
    "Skill",
    "ToolDefinition",
    "apply",
    "look",
    "skills",
    "to_register",
    "to_unregister",
    "tool_definitions",
]
