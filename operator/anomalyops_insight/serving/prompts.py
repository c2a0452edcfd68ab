"""The four modes of the operations guide as prompts: what an assistant is to do, in the guide's order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anomalyops_insight.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class Prompt:
    """A mode.

    Attributes:
        name: Of the mode.
        description: When to use it.
        arguments: What it is about: name, description, whether it is needed.
        text: The task; `{name}` stands for an argument.
    """

    name: str
    description: str
    arguments: tuple[tuple[str, str, bool], ...]
    text: str

    def filled(self, values: Mapping[str, str]) -> str:
        """The task with its arguments.

        Raises:
            BadRequestError: An argument is missing or unknown.
        """
        known = {name for name, _, _ in self.arguments}
        if unknown := sorted(set(values) - known):
            raise BadRequestError(f"prompt {self.name}: there is no argument {unknown[0]!r}; there are {sorted(known)}")
        missing = [name for name, _, needed in self.arguments if needed and not values.get(name)]
        if missing:
            raise BadRequestError(f"prompt {self.name}: {missing[0]} is needed")
        return self.text.format(**{name: values.get(name) or _ANY for name in known})


_ANY = "(not given)"
PROMPTS = (
    Prompt(
        "investigate",
        "What broke: root cause, affected jobs, blast radius.",
        (("start", "From this time on, ISO 8601 or now-2h.", True), ("end", "Before this time.", False),
         ("jobs", "Job ids or patterns.", False), ("service", "Only what has to do with this service.", False)),
        "Find out what broke between {start} and {end} (now, if not given), in jobs {jobs} (all, if not given), of the "
        "service {service} (any, if not given).\n"
        "1. ad_validate_ml_tool_permissions first, if anything comes back empty.\n"
        "2. Call investigate; read its report resource for the whole.\n"
        "3. Check it: entities that several jobs name are suspects, those of one job are rather victims; the earliest "
        "onset counts; multi_bucket_impact of 3 and more is a sustained shift.\n"
        "4. Never conclude without source documents: ad_rca_source_evidence. Where by_field_name is mlcategory, "
        "compare ad_get_categories and ad_search_log_category_examples before and during.\n"
        "Finish with: root cause entity, affected jobs, how it went on, fault class (resource, network, application), "
        "severity, recommended actions, and how sure you are, with the runner-up.",
    ),
    Prompt(
        "explain",
        "Why a score is high or low, or why nothing was flagged.",
        (("job_id", "The job.", True), ("at", "A time of the bucket.", False)),
        "Explain the score of job {job_id} at {at} (its worst record, if not given).\n"
        "1. Call explain. Show both initial_record_score and record_score: the gap is renormalisation, which needs no "
        "change of configuration.\n"
        "2. Go through the factors of anomaly_score_explanation; high_variance_penalty and incomplete_bucket_penalty "
        "explain most low scores.\n"
        "3. Weekly seasons need three weeks of data. An actual far below typical of count or low_count is an absence.\n"
        "Explain renormalisation before you diagnose the configuration.",
    ),
    Prompt(
        "troubleshoot",
        "Missing documents, memory limits, datafeeds that stopped.",
        (("job_id_pattern", "A job or a pattern.", True),),
        "Find out what is wrong with {job_id_pattern}.\n"
        "1. ad_validate_ml_tool_permissions: missing privileges look like missing data.\n"
        "2. Call troubleshoot: it walks the decision trees of memory, missing documents and scores.\n"
        "3. Memory before query_delay: a job at its hard limit loses documents by itself.\n"
        "4. Stop the datafeed, close the job, change, open, start: in that order.\n"
        "Finish with the verdict, the evidence, and the plan.",
    ),
    Prompt(
        "manage",
        "Set up or change a job.",
        (("wish", "What shall be detected, or changed.", True), ("index", "Where the data are.", False)),
        "The wish: {wish}. The data are in {index}.\n"
        "1. Choose the function from the words: high_mean, high_count, rare by, rare by over, ...; by compares an "
        "entity with its own past, over with its peers, partition makes models of their own.\n"
        "2. Defaults: bucket_span 15m, time_field @timestamp, query_delay 60s, influencers are the by, over and "
        "partition fields.\n"
        "3. Validate with ad_validate_job_spec, at most three times; then show the whole job and datafeed and ask "
        "once.\n"
        "4. Only then ad_create_job, ad_create_datafeed, ad_open_job, ad_manage_datafeed with action _start: each "
        "without confirm first, which shows its plan. Where these tools are not offered, show the API calls or a "
        "manifest instead.",
    ),
)  # fmt: skip


def prompt(name: str) -> Prompt:
    """The prompt of a name.

    Raises:
        BadRequestError: There is none.
    """
    found = next((one for one in PROMPTS if one.name == name), None)
    if found is None:
        raise BadRequestError(f"there is no prompt {name!r}; there are {', '.join(one.name for one in PROMPTS)}")
    return found
