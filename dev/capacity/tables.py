"""The tables of ``docs/capacity.md``, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dev.capacity.figures import ASSUMED, GB, LARGEST_FILE, MEASURED, MILLION, Figure, measured
from dev.capacity.plan import Day
from dev.capacity.simulation import Outcome, Setup, simulate

#: The two days of the page.
DAYS = (10 * MILLION, 1_000 * MILLION)
#: Hours that the vendor may need for a file of 10,000,000 numbers. Nobody says how many they are.
HOURS = (1, 6, 24)
#: Numbers of a file.
FILE_ROWS = (LARGEST_FILE, MILLION, 250_000)

#: The head of :func:`outcome`.
OUTCOME = (
    "hours until all has landed",
    "hours of places used",
    "most places",
    "most waits",
    "queries",
    "found late by",
    "most used",
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def remote_rows(hours: float) -> float:
    """Return the numbers a second with which a full file takes so many hours."""
    return LARGEST_FILE / (hours * 3600)


def days(days: Sequence[Day]) -> str:
    """Return what is counted of each day."""
    lines: dict[str, list[str]] = {}

    def put(name: str, text: str) -> None:
        lines.setdefault(name, []).append(text)

    for day in days:
        put("lists (runs of `verify_numbers`)", f"{day.lists:,}")
        put("files, submissions, remote tasks", f"{day.files:,}")
        put("task instances", f"{day.tasks:,}")
        put("processes that workers start", f"{day.starts:,}")
        put("requests to your S3, billed as PUT", f"{day.s3_dear:,}")
        put("requests to your S3, billed as GET", f"{day.s3_cheap:,}")
        put("ranges read from the vendor's store", f"{day.ranges:,}")
        put("calls of Airflow's Variables", f"{sum(day.variables):,}")
        put("GB of lists read; the same is written as files, and sent to the API", gigabytes(day, "list_bytes"))
        put("GB downloaded", gigabytes(day, "archive_bytes"))
        put("GB landed as Parquet", gigabytes(day, "parquet_bytes"))
        put("GB landed in a year", f"{365 * day.gigabytes('parquet_bytes'):,.0f}")
        put("CPU hours of workers", f"{day.cpu_hours:,.3f}")
        memory, spool = day.memory, day.spool_gb
        for task in memory:
            put(f"`{task}`: MiB of the process, GB under `spool_dir`", f"{memory[task]:,.0f}, {spool[task]:,.2f}")
        dollars = day.aws_dollars
        put(f"money, at {day.price:g} a number", f"{day.numbers * day.price:,.0f}")
        put(
            "US dollars: requests, a month of storage, data sent out",
            ", ".join(f"{each:,.2f}" for each in dollars.values()),
        )
    return table(["", *(f"{day.numbers:,} a day" for day in days)], ([name, *texts] for name, texts in lines.items()))


def gigabytes(day: Day, figure: str) -> str:
    """Return the gigabytes of a day as text."""
    return f"{day.gigabytes(figure):,.2f}"


def hours(day: Day, places: Sequence[int], *, remote_tasks: Sequence[int | None]) -> str:
    """Return how long a day takes, by the vendor's speed and places of workers."""
    rows = []
    for at_once in remote_tasks:
        for each in HOURS:
            for count in places:
                setup = Setup(places=count, remote_rows=remote_rows(each), remote_tasks=at_once)
                rows.append([words(at_once), f"{each} h", f"{count}", *outcome(simulate(day, setup), setup)])
    return table(
        ["remote tasks at once", "vendor, a file of 10,000,000", "places", *OUTCOME],
        rows,
    )


def outcome(out: Outcome, setup: Setup) -> list[str]:
    """Return an outcome as the cells of a row."""
    use = out.use(setup)
    first = max(use, key=lambda name: use[name])
    most = f"{first}, {use[first]:.0%}" if use[first] >= 0.5 else "nothing: it waits for the vendor"
    return [
        f"{out.seconds / 3600:,.2f}",
        f"{sum(out.busy.values()) / 3600:,.2f}",
        f"{out.most_places:,}",
        f"{out.most_waits:,}",
        f"{out.queries:,}",
        f"{out.late / 60:,.1f} min",
        most,
    ]


def words(remote_tasks: int | None) -> str:
    """Return how many remote tasks the vendor works on, as text."""
    return "any number" if remote_tasks is None else f"{remote_tasks}"


def by_file(numbers: int, places: int) -> str:
    """Return a day with files of several sizes, and its records in either store."""
    rows = []
    for size in FILE_ROWS:
        for in_s3 in (True, False):
            # A list of at most 1,000 files: Airflow maps over 1,024 by default.
            day = Day(
                numbers, list_rows=min(max(LARGEST_FILE, size), 1_000 * size), file_rows=size, journal_in_s3=in_s3
            )
            setup = Setup(places=places, remote_rows=remote_rows(HOURS[0]))
            out = simulate(day, setup)
            calls = day.s3_dear + day.s3_cheap
            rows.append(
                [
                    f"{size:,}",
                    "S3" if in_s3 else "Variables",
                    f"{day.files:,}",
                    f"{day.tasks:,}",
                    f"{calls:,}",
                    f"{sum(day.variables):,}",
                    f"{day.earlier:,}",
                    f"{out.queries:,}",
                    f"{sum(out.busy.values()) / 3600:,.1f}",
                    f"{out.seconds / 3600:,.2f}",
                ]
            )
    head = ["numbers of a file", "records in", "files", "task instances", "S3 requests", "calls of Variables"]
    return table(
        [*head, "of these for earlier files", "queries", "hours of places", "hours until all has landed"], rows
    )


def freshness(days: Sequence[Day], kept_days: int = 30) -> str:
    """Return what ``skip_verified_within`` reads and takes, with one history for all lists and with one for each."""
    rows = []
    for day in days:
        for name, history in (
            ("all lists together", kept_days * day.numbers),
            ("each list", kept_days * day.list_rows),
        ):
            read = day.lists * history * measured("parquet_bytes") / GB
            spool = 8 * history / GB
            hours = day.history_hours(history)
            rows.append([f"{day.numbers:,}", name, f"{history:,}", f"{read:,.1f}", f"{hours:,.2f}", f"{spool:,.1f}"])
    head = ["numbers a day", "one history for", "rows of it", "GB read a day", "CPU hours a day"]
    return table([*head, "GB under `spool_dir` of a list, at the most"], rows)


def first_to_saturate(numbers: int) -> str:
    """Return what is used most as one means after the other is given more of."""
    steps: list[tuple[str, Day, Setup]] = [
        ("1 place, 1 remote task", Day(numbers), Setup(places=1, remote_rows=remote_rows(HOURS[0]), remote_tasks=1)),
        ("the vendor works on 10 at once", Day(numbers), Setup(places=1, remote_rows=remote_rows(1), remote_tasks=10)),
        ("and on any number", Day(numbers), Setup(places=1, remote_rows=remote_rows(1))),
        ("4 places", Day(numbers), Setup(places=4, remote_rows=remote_rows(1))),
        ("32 places", Day(numbers), Setup(places=32, remote_rows=remote_rows(1))),
        ("32 places, files of 250,000", small(numbers), Setup(places=32, remote_rows=remote_rows(1))),
        ("128 places, files of 250,000", small(numbers), Setup(places=128, remote_rows=remote_rows(1))),
        ("and 10 starts a second", small(numbers), Setup(places=128, starts=10, remote_rows=remote_rows(1))),
    ]
    rows = []
    for name, day, setup in steps:
        out = simulate(day, setup)
        use = out.use(setup)
        cells = [f"{use[each]:.0%}" if each in use else "not limited" for each in ("vendor", "places", "scheduler")]
        rows.append([name, f"{out.seconds / 3600:,.2f}", *cells])
    return table(["", "hours until all has landed", "vendor used", "places used", "scheduler used"], rows)


def small(numbers: int) -> Day:
    """Return a day with small files."""
    return Day(numbers, file_rows=FILE_ROWS[-1])


def figures(figures: dict[str, Figure]) -> str:
    """Return figures with their sources."""
    return table(
        ["figure", "of what", "from"], ([f"{each.value:,.12g}", each.unit, each.source] for each in figures.values())
    )


def report() -> dict[str, str]:
    """Return all tables of the page, by the name of their place in it."""
    ten, billion = (Day(numbers) for numbers in DAYS)
    return {
        "days": days((ten, billion)),
        "hours of 10 million": hours(ten, (1,), remote_tasks=(None,)),
        "hours of 1 billion": hours(billion, (4, 32), remote_tasks=(None, 10)),
        "files": by_file(DAYS[1], 128),
        "freshness": freshness((ten, billion)),
        "saturation": first_to_saturate(DAYS[1]),
        "measured": figures(MEASURED),
        "assumed": figures(ASSUMED),
    }
