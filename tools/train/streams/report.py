# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures as text and as JSON."""
import collections
import dataclasses
import os

from streams import judge
from streams.filters import SCORES

COLUMNS = f"{'kind':13} {'strength':8} {'events':>6} {'named':>7} {'alarm':>7} {'delay':>6} {'90 %':>6} {'prompt':>7}  what else was said"


def row(verdicts):
    delays = [v.delay for v in verdicts if v.delay is not None]
    missed = collections.Counter(v.said for v in verdicts if not v.named)
    return {"events": len(verdicts), "named": round(judge.share(verdicts), 1),
            "alarmed": round(judge.share(verdicts, "alarmed"), 1),
            "delay": judge.percentile(delays, 0.5), "delay90": judge.percentile(delays, 0.9),
            "prompt": round(judge.share([v for v in verdicts if v.named], "prompt") or 0, 1),
            "missed": dict(missed.most_common(3))}


def by_filter(results):
    """What ffmpeg's filters find. Those that have events of their own keep their defaults; the others get the
    threshold with which they find most without more false alarms than effvk's of that kind."""
    out = {}
    for state in ("black", "freeze"):
        verdicts, false = [], 0
        for result in results:
            told, faults = result["filters"][0][state], result["stream"].faults
            names = {state} if state == "black" else {"freeze", "freeze-noise"}
            verdicts += [judge.verdict(f, told) for f in faults if f.kind in names and f.level != "unseen"]
            false += sum(judge.cause(episode[0], faults) is None for episode in judge.episodes(told))
        for (kind, level), these in judge.groups(verdicts).items():
            out[kind, level] = {"filter": state + "detect", "found": round(judge.share(these), 1), "false": false}
    for name, (kind, _, above) in SCORES.items():
        allowed = sum(span.state in judge.NAMES[kind] for r in results for span in r["judgement"].false_alarms)
        threshold, levels, false = judge.at_equal_alarms(
            [(r["filters"][1][name], r["stream"].faults, r["stream"].duration) for r in results], kind, allowed, above)
        for level, (found, of) in levels.items():
            out[kind, level] = {"filter": name, "found": round(100 * found / of, 1), "false": false,
                                "threshold": threshold}
    return out


def summarise(results, photographs):
    verdicts = [v for r in results for v in r["judgement"].verdicts]
    clean = sum(r["judgement"].clean for r in results)
    whole = [r for r in results if not r["stream"].faults]
    false = [(os.path.basename(r["stream"].path), span) for r in results for span in r["judgement"].false_alarms]
    stuck = [(os.path.basename(r["stream"].path), span) for r in results for span in r["judgement"].stuck]
    summary = {
        "events": len(verdicts), "unseen": sum(f.level == "unseen" for r in results for f in r["stream"].faults),
        "groups": {key: row(these) for key, these in judge.groups(verdicts).items()},
        "codecs": {}, "lines": {},
        "clean_hours": clean / 3600, "false_alarms": len(false),
        "false_by_state": dict(collections.Counter(span.state for _, span in false)),
        "clean_clips_hours": sum(r["judgement"].clean for r in whole) / 3600,
        "clean_clips_false": sum(len(r["judgement"].false_alarms) for r in whole),
        "clean_clips_with": sum(bool(r["judgement"].false_alarms) for r in whole), "clean_clips": len(whole),
        "notices": sum(len(r["judgement"].notices) for r in results), "stuck": len(stuck), "hours": sum(r["stream"].duration for r in results) / 3600,
        "processor_seconds_per_hour": 0.0, "photographs": photographs,
    }
    if summary["hours"]:
        summary["processor_seconds_per_hour"] = sum(r["spent"] for r in results) / summary["hours"]
    visible = [(r["stream"], v) for r in results for v in r["judgement"].verdicts
               if v.fault.kind == "corruption" and v.fault.level != "light"]
    for stream, v in visible:
        summary["codecs"].setdefault(stream.codec, []).append(v)
    summary["codecs"] = {codec: row(these) for codec, these in sorted(summary["codecs"].items())}
    for r in results:
        for v in r["judgement"].verdicts:
            if v.fault.kind == "combing" and v.fault.level != "light":
                summary["lines"].setdefault(r["stream"].height, []).append(v)
    summary["lines"] = {lines: row(these) for lines, these in sorted(summary["lines"].items())}
    if results and all("filters" in r for r in results):
        summary["filters"] = by_filter(results)
    return summary


def seconds(value):
    return "" if value is None else f"{value:.1f}"


def write_rows(rows, filters):
    for (kind, level), r in rows:
        said = ", ".join(f"{n} {text or 'nothing'}" for text, n in r["missed"].items())
        other = filters.get((kind, level))
        beside = f"{other['filter']} {other['found']:.0f} % " if other else ""
        print(f"{kind:13} {level:8} {r['events']:6} {r['named']:6.1f}% {r['alarmed']:6.1f}% {seconds(r['delay']):>6} "
              f"{seconds(r['delay90']):>6} {r['prompt']:6.1f}%  {beside}{'(' + said + ')' if said else ''}")


def write(summary):
    print(COLUMNS)
    write_rows(summary["groups"].items(), summary.get("filters", {}))
    write_rows([(("corruption*", codec), r) for codec, r in summary["codecs"].items()], {})
    write_rows([(("combing*", str(lines)), r) for lines, r in summary["lines"].items()], {})
    print("* severe and medium")
    print(f"{summary['events']} events that can be seen, {summary['unseen']} that cannot, "
          f"in {summary['hours']:.2f} hours")
    hours, false = summary["clean_hours"], summary["false_alarms"]
    print(f"false alarms: {false} in {hours:.2f} clean hours, {false / hours if hours else 0:.1f} an hour: "
          + (", ".join(f"{n} {state}" for state, n in summary["false_by_state"].items()) or "none"))
    print(f"of these in clean streams: {summary['clean_clips_false']} in {summary['clean_clips_hours']:.2f} hours, "
          f"in {summary['clean_clips_with']} of {summary['clean_clips']} streams")
    print(f"dark, borders or silence told of clean stretches: {summary['notices']}")
    print(f"alarms that outlasted their fault by more than {judge.CLEARED:g} s: {summary['stuck']}")
    print(f"processor time: {summary['processor_seconds_per_hour']:.0f} s for an hour of video")
    for name in sorted({f["filter"] for f in summary.get("filters", {}).values()}):
        of = next(f for f in summary["filters"].values() if f["filter"] == name)
        at = f" at {of['threshold']:.3g}" if of.get("threshold") is not None else ""
        print(f"ffmpeg's {name}{at}: {of['false']} false alarms")
    if summary["photographs"]:
        alarms, count = summary["photographs"]["alarms"], summary["photographs"]["pictures"]
        print(f"single photographs that are alarms: {len(alarms)} of {count}, "
              f"{100 * len(alarms) / max(1, count):.2f} %")
        for path, label, score in alarms:
            print(f"  {os.path.basename(path)}: {label} {score}")


def write_list(results):
    for r in results:
        stream = r["stream"]
        name = f"{os.path.basename(stream.path)} ({stream.codec} {stream.width}x{stream.height} {stream.scene})"
        for v in r["judgement"].verdicts:
            if not v.named and v.fault.level != "light":
                print(f"{name} missed {v.fault.kind} {v.fault.level} {v.fault.strength} {v.fault.detail} at "
                      f"{v.fault.start:.1f} to {v.fault.end:.1f}: {v.said}")
        for what, spans in (("false", r["judgement"].false_alarms), ("outlasts", r["judgement"].stuck)):
            for span in spans:
                print(f"{name} {what} {span.state} at {span.start:.1f} to {span.end:.1f}")


def as_json(summary, results):
    """With every event and every state."""
    out = dict(summary)
    out["groups"] = {" ".join(key): value for key, value in summary["groups"].items()}
    out["filters"] = {" ".join(key): value for key, value in summary.get("filters", {}).items()}
    out["streams"] = [{"name": os.path.basename(r["stream"].path), "codec": r["stream"].codec,
                       "width": r["stream"].width, "height": r["stream"].height, "scene": r["stream"].scene,
                       "duration": r["stream"].duration,
                       "events": [{**dataclasses.asdict(v.fault), "named": v.named, "alarmed": v.alarmed,
                                   "delay": v.delay, "said": v.said} for v in r["judgement"].verdicts],
                       "states": [dataclasses.asdict(span) for span in r["told"]],
                       "false_alarms": [dataclasses.asdict(s) for s in r["judgement"].false_alarms]}
                      for r in results]
    return out
