"""The rights of the operator and of people on the kinds, for the manifests and the chart."""

from __future__ import annotations

from collections.abc import Iterable

from anomalyops.resources.kinds import KINDS
from anomalyops.resources.resource import GROUP

_ALL = [kind.plural for kind in KINDS]
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_HEADER = "# Generated from the kinds by `make generate`; do not edit.\n"


def operator_rules() -> str:
    """The rules of the operator's role about the kinds, as YAML. It creates and deletes only what it makes itself."""
    finalized = [kind.plural for kind in KINDS if kind.finalized]
    statuses = [f"{plural}/status" for plural in _ALL]
    made = [kind.plural for kind in KINDS if kind.made]
    return (
        _rule(_ALL, _READ)
        + "# Its finalizer.\n"
        + _rule(finalized, ("patch",))
        + _rule(statuses, ("patch",))
        + "# What AnomalyJobSets are made of, and the Investigations that jobs trigger.\n"
        + _rule(made, ("create", "delete"))
        + "# Reports of Investigations; they are written once, never read, and deleted with their owner.\n"
        + _rule(["configmaps"], ("create",), group='""')
    )


def engine_rules() -> str:
    """The rules of who runs embedded engines in a namespace, as YAML; their objects go with the connection."""
    verbs = ("create", "get", "patch", "watch")
    return (
        _rule(["statefulsets"], verbs, group="apps")
        + _rule(["services", "secrets"], verbs, group='""')
        + _rule(["networkpolicies"], verbs, group="networking.k8s.io")
        + "# What an engine's pod waits for; one that cannot start is replaced when its template has changed.\n"
        + _rule(["pods"], ("get", "delete"), group='""')
        + "# A volume that shall become larger.\n"
        + _rule(["persistentvolumeclaims"], ("get", "patch"), group='""')
    )


def release_rules() -> str:
    """The rules of who takes the finalizer off all objects when the operator goes, as YAML."""
    return _rule([kind.plural for kind in KINDS if kind.finalized], ("list", "patch"))


def view_rules() -> str:
    """What people may do who may view a namespace, as YAML."""
    return _rule(_ALL, _READ)


def edit_rules() -> str:
    """What people may do who may edit a namespace, as YAML."""
    return _rule(_ALL, _WRITE)


def generate_rights() -> dict[str, str]:
    """The files of the installation that hold these rules, by their path in the repository."""
    return {
        "charts/anomalyops/templates/_rights.tpl": _chart(),
        "manifests/install/cluster/operator-role.yaml": _HEADER + _OPERATOR.format(rules=_indented(operator_rules())),
        "manifests/install/cluster/engine-runner.yaml": _HEADER + _ENGINES.format(rules=_indented(engine_rules())),
        "manifests/install/cluster/user-roles.yaml": _HEADER
        + _USERS.format(view=_indented(view_rules()), edit=_indented(edit_rules())),
        "manifests/install/namespaced-engines/engine-role.yaml": _HEADER
        + _NAMESPACED_ENGINES.format(rules=_indented(engine_rules())),
        "manifests/install/namespaced/role.yaml": _HEADER + _NAMESPACED.format(rules=_indented(operator_rules())),
    }


def _rule(resources: Iterable[str], verbs: Iterable[str], *, group: str = GROUP) -> str:
    return f"- apiGroups: [{group}]\n  resources: [{', '.join(resources)}]\n  verbs: [{', '.join(verbs)}]\n"


def _indented(rules: str) -> str:
    return "".join(f"  {line}\n" for line in rules.splitlines()).rstrip("\n")


def _chart() -> str:
    blocks = {
        "kindRules": operator_rules(),
        "engineRules": engine_rules(),
        "releaseRules": release_rules(),
        "viewRules": view_rules(),
        "editRules": edit_rules(),
    }
    header = "{{- /* Generated from the kinds by `make generate`; do not edit. */ -}}\n"
    return header + "\n".join(
        f'{{{{- define "anomalyops.{name}" -}}}}\n{rules}{{{{- end }}}}\n' for name, rules in blocks.items()
    )


_OPERATOR = """\
# Everything that the operator does outside of Secrets. Of its kinds it creates and deletes only what it makes itself.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: anomalyops
rules:
{rules}
  # One Event is created for each thing that happens; a repetition raises its count.
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create, patch]
  # The uid of kube-system names the cluster in the owner marks of server jobs.
  - apiGroups: [""]
    resources: [namespaces]
    resourceNames: [kube-system]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: anomalyops
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: anomalyops
subjects:
  - kind: ServiceAccount
    name: anomalyops
    namespace: anomalyops-system
"""

_ENGINES = """\
# Embedded engines. The operator runs them only where this role is bound, which is nowhere at first: it may write
# Secrets and run pods there. For connections with spec.embedded in a namespace NS:
#
#   kubectl create rolebinding anomalyops-engine-runner -n NS \\
#     --clusterrole=anomalyops-engine-runner --serviceaccount=anomalyops-system:anomalyops
#
# A connection whose engine may not be run says so in its conditions, with this command.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: anomalyops-engine-runner
rules:
{rules}
"""

_USERS = """\
# For people: what the built-in roles view, edit and admin may do with the kinds of this operator.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: anomalyops-view
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
{view}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: anomalyops-edit
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
{edit}
"""

_NAMESPACED = """\
# The same rights as the cluster-wide installation, in one namespace. The uid of kube-system cannot be read with
# them: the operator marks what it owns with the uid of this namespace instead, or with --cluster-id.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: anomalyops
rules:
{rules}
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create, patch]
  - apiGroups: [""]
    resources: [namespaces]
    verbs: [get]
  - apiGroups: [""]
    resources: [secrets, configmaps]
    verbs: [get, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: anomalyops
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: anomalyops
subjects:
  - kind: ServiceAccount
    name: anomalyops
"""

_NAMESPACED_ENGINES = """\
# Embedded engines in the operator's own namespace: it may write Secrets and run pods there.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: anomalyops-engine-runner
rules:
{rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: anomalyops-engine-runner
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: anomalyops-engine-runner
subjects:
  - kind: ServiceAccount
    name: anomalyops
"""
