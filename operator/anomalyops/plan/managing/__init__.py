"""Single changes of jobs, datafeeds and calendars that no manifest owns: what is asked, and the plan for it. Pure."""

from anomalyops.plan.managing.parameters import Asked
from anomalyops.plan.managing.patches import Patch
from anomalyops.plan.managing.restoring import restoring
from anomalyops.plan.managing.seen import Seen, SeenCalendar
from anomalyops.plan.managing.tools import Managed, ManagingTool, managing_tools

__all__ = ["Asked", "Managed", "ManagingTool", "Patch", "Seen", "SeenCalendar", "managing_tools", "restoring"]
