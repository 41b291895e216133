"""The ledger and its verification on a screen: what was compared, what differs, the verdict."""

from typing import Any, Final

from gateway.commands.tables import format_table

_PAIR_KEYS: Final = frozenset({"name", "agrees", "ids"})
_MOST_IDS: Final = 20
"""Ids told of one difference; `--json` has all of them."""
_FINDINGS: Final = {
    "lost": "answers of ours that the carrier's log does not have",
    "unexplained": "submits that the carrier took and no attempt of ours stands for",
    "doubled": "parts that the carrier took once more",
    "receipts_missing": "receipts that were acknowledged and are not kept",
}


def describe_ledger(report: dict[str, Any], *, shows_all: bool) -> str:
    """Where messages stand, what differs (or all that was compared), the verdict."""
    states = [(state, count) for state, count in report["messages_by_state"].items() if count]
    blocks = [format_table(("state", "messages"), states), *_describe_pairs(report, shows_all=shows_all)]
    if report["receipts_unmatched_open"]:
        blocks.append(f"{report['receipts_unmatched_open']} receipts wait for the message they belong to.")
    if report["receipts_inferred"]:
        blocks.append(
            f"{report['receipts_inferred']} receipts are taken to be of the only message that they can be of."
        )
    return "\n\n".join([*blocks, _judge(report)])


def describe_verification(report: dict[str, Any], *, shows_all: bool) -> str:
    """Each total and how many keys of it were compared, what differs in words, the verdict."""
    rows = [
        (
            "agrees" if not table["differing"] else "DIFFERS",
            table["table"],
            f"{table['compared']:,}",
            f"{table['differing']:,}",
            table["what"],
        )
        for table in report["tables"]
    ]
    blocks = [format_table(("", "total", "compared", "differ", "what"), rows)]
    blocks += [_describe_differences(table) for table in report["tables"] if table["differing"]]
    blocks += [
        f"{check['found']:,} rows differ: {check['name']}: look at {', '.join(check['ids'])}"
        for check in report["rows"]
        if check["found"]
    ]
    blocks += _describe_pairs(report["ledger"], shows_all=shows_all)
    blocks += [_describe_log(log) for log in report.get("carrier_logs", ())]
    notes = [
        f"  {table['table']}: {table['not_recounted']}"
        for table in report["tables"]
        if table["not_recounted"]
    ]
    if notes:
        blocks.append("\n".join(["Not recounted, for the rows cannot tell:", *notes]))
    return "\n\n".join([*blocks, _judge_verification(report)])


def _describe_differences(table: dict[str, Any]) -> str:
    named = [f"  {each['sentence']}" for each in table["differences"]]
    more = table["differing"] - len(named)
    if more:
        named.append(f"  and {more:,} more")
    return "\n".join([f"{table['table']}: {table['differing']:,} of {table['compared']:,} differ", *named])


def _describe_log(log: dict[str, Any]) -> str:
    lines = [
        f"{log['file']}: {log['lines']:,} lines. The carrier took {log['taken']:,} submits: "
        f"{log['answered']:,} whose answer we have, {log['unanswered']:,} attempts of ours without one. It "
        f"refused {log['refused']:,}, and sent {log['receipts_sent']:,} receipts; "
        f"{log['receipts_acknowledged']:,} were acknowledged."
    ]
    if log["under_way"]:
        lines.append(f"  {log['under_way']:,} were just under way.")
    for name, words in _FINDINGS.items():
        finding = log[name]
        if not finding["count"]:
            continue
        lines.append(f"  {name.replace('_', ' ').upper()} {finding['count']:,}: {words}")
        lines += [f"    {sentence}" for sentence in finding["sentences"]]
    if log["agrees"]:
        lines.append("  Every submit is one attempt of ours, every acknowledged receipt is kept.")
    return "\n".join(lines)


def _judge_verification(report: dict[str, Any]) -> str:
    compared = sum(table["compared"] for table in report["tables"])
    days = f"{report['from']} to {report['to']}, {report['seconds']:.1f} s"
    if report["verified"]:
        return (
            f"Verified ({days}): {report['ledger']['messages']:,} messages; {compared:,} totals agree with a "
            f"recount of their rows, and no row contradicts another."
        )
    logs = sum(not log["agrees"] for log in report.get("carrier_logs", ()))
    beside = f", and {logs} of the carriers' logs" if logs else ""
    return f"NOT VERIFIED ({days}): {report['differences']:,} totals, rows or comparisons differ{beside}."


def _describe_pairs(report: dict[str, Any], *, shows_all: bool) -> list[str]:
    shown = [pair for pair in report["pairs"] if shows_all or not pair["agrees"]]
    if not shown:
        return []
    rows = [("agrees" if pair["agrees"] else "DIFFERS", pair["name"], _show_counts(pair)) for pair in shown]
    return [format_table(("", "what", "counts"), rows), *(_name_ids(pair) for pair in shown if pair["ids"])]


def _show_counts(pair: dict[str, Any]) -> str:
    counts = [
        f"{count} {label.replace('_', ' ')}" for label, count in pair.items() if label not in _PAIR_KEYS
    ]
    return (" = " if pair["agrees"] else " ≠ ").join(counts)


def _name_ids(pair: dict[str, Any]) -> str:
    ids = pair["ids"]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return f"{pair['name']}: look at {', '.join(ids[:_MOST_IDS])}{more}"


def _judge(report: dict[str, Any]) -> str:
    compared = len(report["pairs"])
    if report["balanced"]:
        return (
            f"The ledger balances: {report['messages']:,} messages, each in one known state; "
            f"{compared} comparisons agree."
        )
    differing = sum(not pair["agrees"] for pair in report["pairs"])
    return f"The ledger DOES NOT BALANCE: {differing} of {compared} comparisons differ."
