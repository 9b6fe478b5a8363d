"""A [schedule] in words."""

from kk99fix.config.schedule import Schedule


def opening_words(schedule: Schedule) -> str:
    """Say when a session is open."""
    start, end = schedule.start, schedule.end
    days = f", starting on {' '.join(schedule.days)}"
    if schedule.start_day is not None:
        start, end, days = f"{schedule.start_day} {start}", f"{schedule.end_day} {end}", ""
    return f"open from {start} to {end} {schedule.zone}{days}"


def schedule_words(schedule: Schedule) -> str:
    """Say when a session is open and when its numbers start over."""
    reset = "go on for ever" if schedule.reset == "never" else f"start over {schedule.reset}"
    return f"{opening_words(schedule)}; its numbers {reset}"
